// SPDX-License-Identifier: GPL-2.0
/*
 * Memory-mapped I/O: instructions that touch an address no slot backs.
 *
 * GPA_MMIO behaves as a little memory of 64 bytes, kept here: what a guest
 * instruction reads and writes there must have the effect that it has on RAM.
 */
#include "vm.h"

struct device {
	const char *name;	/* of what the guest does with it */
	uint8_t mem[64];
	unsigned int reads;
	unsigned int writes;
};

/* serve() - run until HLT, answering MMIO from the device. */
static void serve(struct vcpu *v, struct device *d)
{
	struct kvm_run *run = v->run;
	unsigned int exits = 0;
	int r;

	for (;;) {
		r = vcpu_run(v);
		REQUIRE(!r, "KVM_RUN: %s", strerror(-r));
		if (run->exit_reason != KVM_EXIT_MMIO)
			break;
		REQUIRE(++exits < 1000, "no end of MMIO");
		REQUIRE(run->mmio.len >= 1 && run->mmio.len <= 8,
			"MMIO of %u bytes", run->mmio.len);
		REQUIRE(run->mmio.phys_addr >= GPA_MMIO &&
			run->mmio.phys_addr + run->mmio.len <=
			GPA_MMIO + sizeof(d->mem),
			"MMIO at 0x%llx", run->mmio.phys_addr);
		if (run->mmio.is_write) {
			memcpy(d->mem + (run->mmio.phys_addr - GPA_MMIO),
			       run->mmio.data, run->mmio.len);
			d->writes++;
		} else {
			memcpy(run->mmio.data,
			       d->mem + (run->mmio.phys_addr - GPA_MMIO),
			       run->mmio.len);
			d->reads++;
		}
	}
	if (run->exit_reason == KVM_EXIT_HLT)
		return;
	test_fail(__FILE__, __LINE__, "%s: exit %u (%s)", d->name,
		  run->exit_reason, exit_name(run->exit_reason));
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		diag("suberror %u", run->internal.suberror);
	test_abort();
}

/*
 * One case: the instruction runs twice, with RBX pointing to RAM and with RBX
 * pointing to the device, both filled with the same bytes. All registers, the
 * flags and the memory must come out the same: the CPU itself is the model.
 */
struct op {
	const char *name;
	const uint8_t *code, *end;
};

#define OP(n, text)							\
	extern const uint8_t op_##n[], op_##n##_end[];			\
	__asm__(".pushsection .rodata\n.code64\n"			\
		"op_" #n ":\n" text "\nhlt\nop_" #n "_end:\n"		\
		".popsection\n")

/* RAX, RCX, RDX, RSI, RDI, R8… hold patterns; RBX the address. */
OP(mov_r8_m, "mov (%rbx), %al");
OP(mov_rh_m, "mov 1(%rbx), %ah");
OP(mov_r16_m, "mov 2(%rbx), %ax");
OP(mov_r32_m, "mov 4(%rbx), %eax");
OP(mov_r64_m, "mov 8(%rbx), %rax");
OP(mov_m_r8, "mov %al, 3(%rbx)");
OP(mov_m_rh, "mov %ah, 3(%rbx)");
OP(mov_m_sil, "mov %sil, 3(%rbx)");
OP(mov_m_r16, "mov %cx, 6(%rbx)");
OP(mov_m_r32, "mov %r8d, 8(%rbx)");
OP(mov_m_r64, "mov %r9, 16(%rbx)");
OP(mov_m_i8, "movb $0x5a, 5(%rbx)");
OP(mov_m_i16, "movw $0x1234, 6(%rbx)");
OP(mov_m_i32, "movl $0x12345678, 8(%rbx)");
OP(mov_m_i64, "movq $-2, 8(%rbx)");
OP(mov_sib, "mov $2, %ecx\nmov 4(%rbx,%rcx,8), %r10d");
OP(mov_disp32, "lea -0x1000(%rbx), %r11\nmov 0x1008(%r11), %rdx");
OP(movzx_b, "movzbl 1(%rbx), %eax");
OP(movzx_b16, "movzbw 1(%rbx), %ax");
OP(movzx_b64, "movzbq 1(%rbx), %rax");
OP(movzx_w, "movzwl 2(%rbx), %edx");
OP(movsx_b, "movsbl 15(%rbx), %eax");
OP(movsx_b16, "movsbw 15(%rbx), %ax");
OP(movsx_b64, "movsbq 15(%rbx), %rax");
OP(movsx_w, "movswq 14(%rbx), %rdi");
OP(movsxd, "movslq 12(%rbx), %rsi");
OP(add_m_r, "add %ecx, 4(%rbx)");
OP(add_r_m, "add 4(%rbx), %ecx");
OP(add_m_i, "addl $0x11, 4(%rbx)");
OP(add_m_i8, "addb $0x7f, 4(%rbx)");
OP(adc_m_r, "stc\nadc %rcx, 8(%rbx)");
OP(sbb_r_m, "stc\nsbb 8(%rbx), %rcx");
OP(sub_m_r16, "sub %dx, 2(%rbx)");
OP(and_m_i, "andl $0xf0f0f0f0, 4(%rbx)");
OP(or_m_r, "or %al, 7(%rbx)");
OP(xor_m_r, "xor %rdx, 8(%rbx)");
OP(xor_r_m, "xor 8(%rbx), %rdx");
OP(cmp_m_r, "cmp %ecx, 4(%rbx)");
OP(cmp_r_m, "cmp 4(%rbx), %ecx");
OP(cmp_m_i, "cmpb $0x12, 4(%rbx)");
OP(test_m_r, "test %ecx, 4(%rbx)");
OP(test_m_i, "testl $0x80000000, 12(%rbx)");
OP(test_m_i8, "testb $1, (%rbx)");
OP(inc_m, "incl 4(%rbx)");
OP(dec_m, "decw 4(%rbx)");
OP(neg_m, "negl 4(%rbx)");
OP(not_m, "notq 8(%rbx)");
OP(xchg_32, "xchg %ecx, 4(%rbx)");
OP(xchg_8, "xchg %ah, 4(%rbx)");
OP(xchg_64, "xchg %rdx, 8(%rbx)");
OP(lock_or, "lock orl $0x01020304, 4(%rbx)");
OP(lock_dec, "lock decl 4(%rbx)");
OP(cmpxchg_ne, "mov $1, %eax\nlock cmpxchg %ecx, 4(%rbx)");
OP(cmpxchg_eq, "mov 4(%rbx), %eax\ncmpxchg %ecx, 4(%rbx)");
OP(cmpxchg_64, "mov 8(%rbx), %rax\nlock cmpxchg %rdx, 8(%rbx)");
OP(xadd, "lock xadd %ecx, 4(%rbx)");
OP(xadd_8, "xadd %al, 5(%rbx)");
OP(bt, "btl $3, (%rbx)\nsetc %al");
OP(bt_i, "btl $5, 4(%rbx)\nsetc %al");
OP(bts_i, "lock btsl $6, 4(%rbx)\nsetc %al");
OP(btr_i, "btrl $4, 4(%rbx)\nsetc %al");
OP(btc_i, "btcq $33, 8(%rbx)\nsetc %al");
OP(bts_r, "mov $37, %ecx\nbts %ecx, 8(%rbx)\nsetc %al");
OP(bts_neg, "mov $-3, %rcx\nbts %rcx, 16(%rbx)\nsetc %al");
OP(setcc, "cmp %eax, %eax\nsete 9(%rbx)");
OP(cmov, "cmp %eax, %eax\ncmove 8(%rbx), %ecx");
OP(cmov_not, "cmp %eax, %eax\ncmovne 8(%rbx), %ecx");
OP(push_m, "push 8(%rbx)\npop %rdx");
OP(pop_m, "push %rdx\npop 8(%rbx)");
OP(stosb, "mov %rbx, %rdi\ncld\nstosb");
OP(stosq, "mov %rbx, %rdi\ncld\nstosq");
OP(rep_stosl, "mov %rbx, %rdi\nmov $5, %ecx\ncld\nrep stosl");
OP(rep_stosb_down, "lea 9(%rbx), %rdi\nmov $5, %ecx\nstd\nrep stosb\ncld");
OP(lodsb, "mov %rbx, %rsi\ncld\nlodsb");
OP(lodsw, "mov %rbx, %rsi\ncld\nlodsw");
OP(lodsq, "mov %rbx, %rsi\ncld\nlodsq");
OP(rep_movsb_to, "mov %rbx, %rdi\nmov $0x100200, %esi\nmov $7, %ecx\ncld\nrep movsb");
OP(rep_movsl_to, "mov %rbx, %rdi\nmov $0x100200, %esi\nmov $4, %ecx\ncld\nrep movsl");
OP(rep_movsq_from, "mov %rbx, %rsi\nmov $0x100300, %edi\nmov $3, %ecx\ncld\nrep movsq");
OP(movs_within, "mov %rbx, %rsi\nlea 32(%rbx), %rdi\nmov $2, %ecx\ncld\nrep movsl");
OP(movsw_down, "lea 8(%rbx), %rdi\nmov $0x100208, %esi\nmov $3, %ecx\nstd\nrep movsw\ncld");
OP(cmpsb, "mov %rbx, %rsi\nmov $0x100200, %edi\ncld\ncmpsb");
OP(repe_cmpsb, "mov %rbx, %rsi\nmov $0x100200, %edi\nmov $20, %ecx\ncld\nrepe cmpsb");
OP(repne_scasb, "mov %rbx, %rdi\nmov $0x21, %al\nmov $30, %ecx\ncld\nrepne scasb");
OP(moffs, "mov %rbx, %rax\nmov (%rax), %eax");
OP(unaligned, "mov 3(%rbx), %rax");

#define ENTRY(n) { #n, op_##n, op_##n##_end }

static const struct op moves[] = {
	ENTRY(mov_r8_m), ENTRY(mov_rh_m), ENTRY(mov_r16_m), ENTRY(mov_r32_m),
	ENTRY(mov_r64_m), ENTRY(mov_m_r8), ENTRY(mov_m_rh), ENTRY(mov_m_sil),
	ENTRY(mov_m_r16), ENTRY(mov_m_r32), ENTRY(mov_m_r64), ENTRY(mov_m_i8),
	ENTRY(mov_m_i16), ENTRY(mov_m_i32), ENTRY(mov_m_i64), ENTRY(mov_sib),
	ENTRY(mov_disp32), ENTRY(moffs), ENTRY(unaligned),
};

static const struct op extends[] = {
	ENTRY(movzx_b), ENTRY(movzx_b16), ENTRY(movzx_b64), ENTRY(movzx_w),
	ENTRY(movsx_b), ENTRY(movsx_b16), ENTRY(movsx_b64), ENTRY(movsx_w),
	ENTRY(movsxd),
};

static const struct op alu[] = {
	ENTRY(add_m_r), ENTRY(add_r_m), ENTRY(add_m_i), ENTRY(add_m_i8),
	ENTRY(adc_m_r), ENTRY(sbb_r_m), ENTRY(sub_m_r16), ENTRY(and_m_i),
	ENTRY(or_m_r), ENTRY(xor_m_r), ENTRY(xor_r_m), ENTRY(cmp_m_r),
	ENTRY(cmp_r_m), ENTRY(cmp_m_i), ENTRY(test_m_r), ENTRY(test_m_i),
	ENTRY(test_m_i8),
};

static const struct op unary[] = {
	ENTRY(inc_m), ENTRY(dec_m), ENTRY(neg_m), ENTRY(not_m),
};

static const struct op conditional[] = {
	ENTRY(setcc), ENTRY(cmov), ENTRY(cmov_not),
};

static const struct op locked[] = {
	ENTRY(xchg_32), ENTRY(xchg_8), ENTRY(xchg_64), ENTRY(lock_or),
	ENTRY(lock_dec), ENTRY(cmpxchg_ne), ENTRY(cmpxchg_eq),
	ENTRY(cmpxchg_64), ENTRY(xadd), ENTRY(xadd_8),
};

static const struct op bits[] = {
	ENTRY(bt), ENTRY(bt_i), ENTRY(bts_i), ENTRY(btr_i), ENTRY(btc_i),
	ENTRY(bts_r), ENTRY(bts_neg),
};

static const struct op stack[] = { ENTRY(push_m), ENTRY(pop_m) };

static const struct op strings[] = {
	ENTRY(stosb), ENTRY(stosq), ENTRY(rep_stosl), ENTRY(rep_stosb_down),
	ENTRY(lodsb), ENTRY(lodsw), ENTRY(lodsq), ENTRY(rep_movsb_to),
	ENTRY(rep_movsl_to), ENTRY(rep_movsq_from), ENTRY(movs_within),
	ENTRY(movsw_down), ENTRY(cmpsb), ENTRY(repe_cmpsb), ENTRY(repne_scasb),
};

#define RAM		0x100000UL
#define FLAGS		0x8d5		/* OF, SF, ZF, AF, PF, CF */

static void pattern(uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = 0x80 + i * 0x23;
	p[0x11] = 0x21;
}

/* A pointer into the device, as seen by the pass that ran on RAM. */
static uint64_t as_ram(uint64_t reg)
{
	if (reg - (GPA_MMIO - 0x1000) < 0x2000)
		return reg - GPA_MMIO + RAM;
	return reg;
}

static void run_op(struct vcpu *v, const struct op *op, uint64_t base,
		   struct kvm_regs *regs, struct device *d)
{
	uint8_t *m = v->vm->mem;
	int i;

	memset(d, 0, sizeof(*d));
	d->name = op->name;
	pattern(d->mem, sizeof(d->mem));
	memset(m + RAM, 0, 0x1000);
	pattern(m + RAM, sizeof(d->mem));
	pattern(m + RAM + 0x200, 64);
	m[RAM + 0x205] ^= 1;
	memcpy(m + GPA_CODE, op->code, op->end - op->code);
	memset(regs, 0, sizeof(*regs));
	regs->rax = 0x1122334455667788;
	regs->rcx = 0x0a0b0c0d99887766;
	regs->rdx = 0xf1e2d3c4b5a69788;
	regs->rsi = 0x5566778899aabbcc;
	regs->rdi = 0x6677889900112233;
	for (i = 0; i < 8; i++)
		(&regs->r8)[i] = 0x0123456789abcdef * (i + 3);
	regs->rbx = base;
	regs->rip = GPA_CODE;
	regs->rsp = GPA_STACK;
	regs->rflags = 2;
	set_regs(v, regs);
	serve(v, d);
	*regs = get_regs(v);
}

static void try_ops(const struct op *ops, size_t n)
{
	struct vcpu *v = vcpu_new(vm_new(), 0);
	struct kvm_regs ram, io;
	struct device d;
	uint8_t result[64], scratch[64];
	unsigned int i;
	size_t k;

	vcpu_long(v);
	for (k = 0; k < n; k++) {
		run_op(v, &ops[k], RAM, &ram, &d);
		CHECK(!d.reads && !d.writes, "%s: MMIO for RAM", ops[k].name);
		memcpy(result, v->vm->mem + RAM, sizeof(result));
		memcpy(scratch, v->vm->mem + RAM + 0x300, sizeof(scratch));
		run_op(v, &ops[k], GPA_MMIO, &io, &d);
		CHECK(d.reads || d.writes, "%s: no MMIO", ops[k].name);
		CHECK(!memcmp(result, d.mem, sizeof(result)),
		      "%s: the device has other contents than RAM", ops[k].name);
		CHECK(!memcmp(scratch, v->vm->mem + RAM + 0x300, sizeof(scratch)),
		      "%s: other data was moved to RAM", ops[k].name);
		for (i = 0; i < 16; i++) {
			uint64_t a = (&ram.rax)[i], b = as_ram((&io.rax)[i]);

			CHECK(a == b, "%s: register %u is 0x%lx, on RAM 0x%lx",
			      ops[k].name, i, b, a);
		}
		CHECK(ram.rip == io.rip, "%s: rip 0x%llx, on RAM 0x%llx",
		      ops[k].name, io.rip, ram.rip);
		CHECK((ram.rflags & FLAGS) == (io.rflags & FLAGS),
		      "%s: flags 0x%llx, on RAM 0x%llx", ops[k].name,
		      io.rflags & FLAGS, ram.rflags & FLAGS);
	}
	diag("%zu instructions", n);
}

#define CASE(table) static void t_##table(void) { try_ops(table, ARRAY_SIZE(table)); }
CASE(moves)
CASE(extends)
CASE(alu)
CASE(unary)
CASE(conditional)
CASE(locked)
CASE(bits)
CASE(stack)
CASE(strings)

/* What user space sees of one access: address, length, direction, data. */
GUEST(64, two_accesses,
      "mov $0xd0000000, %ebx\n"
      "movw $0x1234, 0x10(%rbx)\n"
      "mov 0xffc(%rbx), %eax\n"
      "out %eax, $0x10\n"
      "hlt\n");

static void exit_fields(void)
{
	struct vcpu *v = guest(64, two_accesses);
	struct kvm_run *run = v->run;

	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(run->mmio.phys_addr, GPA_MMIO + 0x10);
	EQ(run->mmio.len, 2);
	EQ(run->mmio.is_write, 1);
	CHECK(!memcmp(run->mmio.data, "\x34\x12", 2), "wrong data");
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(run->mmio.phys_addr, GPA_MMIO + 0xffc);
	EQ(run->mmio.len, 4);
	EQ(run->mmio.is_write, 0);
	memcpy(run->mmio.data, "\xef\xbe\xad\xde", 4);
	RUN_TO_OUT(v, 0x10, 0xdeadbeef);
	RUN_TO(v, KVM_EXIT_HLT);
}

/* An access that begins in RAM and ends in the hole. */
GUEST(64, straddle,
      "mov $0x1ffffd, %ebx\n"
      "movabs $0x1122334455667788, %rax\n"
      "mov %rax, (%rbx)\n"
      "mov (%rbx), %rcx\n"
      "hlt\n");

static void straddles_ram(void)
{
	static const uint8_t want[] = { 0x88, 0x77, 0x66 };
	struct vcpu *v = guest(64, straddle);
	uint8_t hole[5] = { 0 };
	struct kvm_run *run = v->run;
	int r;

	while (!(r = vcpu_run(v)) && run->exit_reason == KVM_EXIT_MMIO) {
		uint64_t at = run->mmio.phys_addr - VM_MEM;

		REQUIRE(at < 5 && run->mmio.len && run->mmio.len <= 5 - at,
			"MMIO at 0x%llx of %u", run->mmio.phys_addr,
			run->mmio.len);
		if (run->mmio.is_write)
			memcpy(hole + at, run->mmio.data, run->mmio.len);
		else
			memcpy(run->mmio.data, hole + at, run->mmio.len);
	}
	EQ(r, 0);
	EQ(run->exit_reason, KVM_EXIT_HLT);
	CHECK(!memcmp(v->vm->mem + VM_MEM - 3, want, 3), "wrong bytes in RAM");
	CHECK(!memcmp(hole, "\x55\x44\x33\x22\x11", 5), "wrong bytes in the hole");
	EQ(get_regs(v).rcx, 0x1122334455667788);
}

/* 16- and 32-bit addressing forms. */
GUEST(16, real_forms,
      "mov $0xf000, %ax\n"
      "mov %ax, %es\n"
      "mov $0x8, %si\n"
      "mov $0x10, %bx\n"
      "mov %es:(%bx,%si), %ax\n"
      "movb $0x66, %es:0x4(%si)\n"
      "mov $0xf0020, %ecx\n"
      "mov %es:0x30, %dl\n"
      "hlt\n");

/* A VM whose RAM ends at 640 KiB, so that real mode can reach a hole. */
static void real_mode(void)
{
	struct vm *vm = vm_bare();
	struct vcpu *v;
	struct kvm_run *run;

	vm->size = 0xa0000;
	vm->mem = mem_alloc(vm->size);
	OK(vm_slot(vm, 0, 0, 0, vm->size, vm->mem));
	v = vcpu_new(vm, 0);
	run = v->run;
	load_guest(vm, GPA_CODE, real_forms);
	vcpu_real(v);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(run->mmio.phys_addr, 0xf0018);
	EQ(run->mmio.len, 2);
	memcpy(run->mmio.data, "\xcd\xab", 2);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(run->mmio.phys_addr, 0xf000c);
	EQ(run->mmio.is_write, 1);
	EQ(run->mmio.data[0], 0x66);
	EQ(get_regs(v).rax & 0xffff, 0xabcd);
	RUN_TO(v, KVM_EXIT_MMIO);
	EQ(run->mmio.phys_addr, 0xf0030);
	run->mmio.data[0] = 0x99;
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rdx & 0xff, 0x99);
}

GUEST(32, prot_forms,
      "mov $0xcffffff0, %ebp\n"
      "mov $4, %ecx\n"
      "mov (%ebp,%ecx,4), %eax\n"
      "mov %ax, 0xd0000008\n"
      "mov 0xd0000004, %eax\n"
      "hlt\n");

static void protected_mode(void)
{
	struct vcpu *v = guest(32, prot_forms);
	struct device d = { .name = "moves" };

	memcpy(d.mem, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	serve(v, &d);
	EQ(get_regs(v).rax, 0x08070605);
	EQ(d.mem[8], 1);
	EQ(d.mem[9], 2);
	EQ(d.reads, 2);
	EQ(d.writes, 1);
}

/* As for IN: the load completes with the next RUN, whatever that answers. */
static void completes_with_immediate_exit(void)
{
	struct vcpu *v = guest(64, two_accesses);

	RUN_TO(v, KVM_EXIT_MMIO);
	RUN_TO(v, KVM_EXIT_MMIO);
	memcpy(v->run->mmio.data, "\x01\x02\x03\x04", 4);
	v->run->immediate_exit = 1;
	EQ(vcpu_run(v), -EINTR);
	EQ(get_regs(v).rax, 0x04030201);
	v->run->immediate_exit = 0;
	RUN_TO_OUT(v, 0x10, 0x04030201);
}

/*
 * An instruction that no decoder of this size will know. The exit carries the
 * bytes, and the guest has not moved.
 */
GUEST(64, exotic,
      "mov $0xd0000000, %ebx\n"
      "1: fbstp (%rbx)\n"
      "hlt\n");

static void unknown_instruction(void)
{
	struct vcpu *v = guest(64, exotic);
	struct kvm_run *run = v->run;
	struct kvm_regs regs;

	RUN_TO(v, KVM_EXIT_INTERNAL_ERROR);
	EQ(run->internal.suberror, KVM_INTERNAL_ERROR_EMULATION);
	regs = get_regs(v);
	EQ(regs.rip, GPA_CODE + 5);
	if (run->emulation_failure.ndata < 3 ||
	    !(run->emulation_failure.flags &
	      KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
		test_skip("the exit has no instruction bytes here");
	CHECK(run->emulation_failure.insn_size >= 2 &&
	      !memcmp(run->emulation_failure.insn_bytes, "\xdf\x33", 2),
	      "size %u, bytes %02x %02x", run->emulation_failure.insn_size,
	      run->emulation_failure.insn_bytes[0],
	      run->emulation_failure.insn_bytes[1]);
}

/*
 * A page table of the guest that lies in the hole: what happens is not fixed,
 * but a signal must end it.
 */
GUEST(64, bad_cr3,
      "mov $0xd0000000, %eax\n"
      "mov %rax, %cr3\n"
      "hlt\n");

static void page_table_in_hole(void)
{
	struct vcpu *v = guest(64, bad_cr3);
	struct runner r;

	runner_start(&r, v);
	sleep_ms(100);
	runner_stop(&r);
	CHECK(!r.result || r.result == -EINTR, "KVM_RUN: %s",
	      strerror(-r.result));
	diag("ended in %s", r.result ? "a signal" :
	     exit_name(v->run->exit_reason));
}

/* The stack of an exception lies there: no instruction's doing, so nobody's exit. */
GUEST(64, stack_in_hole,
      "mov $0xd0000100, %esp\n"
      "ud2\n");

static void event_meets_hole(void)
{
	struct vcpu *v = guest(64, stack_in_hole);

	if (!is_kvmlite())
		test_skip("KVM emulates the instruction that had the exception");
	RUN_TO(v, KVM_EXIT_INTERNAL_ERROR);
	EQ(v->run->internal.suberror, KVM_INTERNAL_ERROR_DELIVERY_EV);
	EQ(v->run->internal.ndata, 2);
	EQ(v->run->internal.data[1] & ~0xfffULL, GPA_MMIO);
}

static const struct test tests[] = {
	{ "exit_fields", exit_fields },
	{ "moves", t_moves },
	{ "extends", t_extends },
	{ "alu", t_alu },
	{ "unary", t_unary },
	{ "conditional", t_conditional },
	{ "locked", t_locked },
	{ "bits", t_bits },
	{ "stack", t_stack },
	{ "strings", t_strings },
	{ "straddles_ram", straddles_ram },
	{ "real_mode", real_mode },
	{ "protected_mode", protected_mode },
	{ "completes_with_immediate_exit", completes_with_immediate_exit },
	{ "unknown_instruction", unknown_instruction },
	{ "page_table_in_hole", page_table_in_hole },
	{ "event_meets_hole", event_meets_hole },
};

TEST_SUITE(tests);
