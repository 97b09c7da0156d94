// SPDX-License-Identifier: GPL-2.0
/* Port I/O, in particular the string instructions. */
#include "vm.h"

GUEST(16, in_all_sizes,
      "mov $0x1f0, %dx\n"
      "mov $0xffffffff, %eax\n"
      "in %dx, %al\n"
      "mov %eax, 0xc000\n"
      "mov $0xffffffff, %eax\n"
      "in %dx, %ax\n"
      "mov %eax, 0xc004\n"
      "mov $0, %eax\n"
      "in %dx, %eax\n"
      "mov %eax, 0xc008\n"
      "in $0x21, %al\n"
      "hlt\n");

GUEST(64, in64,
      "mov $-1, %rax\n"
      "mov $0x1f0, %edx\n"
      "in %dx, %eax\n"
      "hlt\n");

GUEST(16, outs_one,
      "mov $0xc000, %si\n"
      "mov $0x1f0, %dx\n"
      "cld\n"
      "outsb\n"
      "outsw\n"
      "outsl\n"
      "hlt\n");

GUEST(16, rep_outs,
      "mov $0xc000, %si\n"
      "mov $0x1f0, %dx\n"
      "cld\n"
      "mov $1000, %cx\n"
      "rep outsb\n"
      "mov $1000, %cx\n"
      "rep outsw\n"
      "hlt\n");

GUEST(16, rep_outs_down,
      "mov $0xc100, %si\n"
      "mov $0x1f0, %dx\n"
      "std\n"
      "mov $16, %cx\n"
      "rep outsl\n"
      "hlt\n");

GUEST(16, rep_ins,
      "push %ds\n"
      "pop %es\n"
      "mov $0xc000, %di\n"
      "mov $0x1f0, %dx\n"
      "cld\n"
      "mov $600, %cx\n"
      "rep insw\n"
      "hlt\n");

GUEST(16, rep_ins_down,
      "mov $0xc010, %di\n"
      "mov $0x1f0, %dx\n"
      "std\n"
      "mov $4, %cx\n"
      "rep insl\n"
      "hlt\n");

GUEST(16, rep_zero,
      "mov $0xc000, %di\n"
      "mov $0xc000, %si\n"
      "xor %cx, %cx\n"
      "mov $0x1f0, %dx\n"
      "rep insb\n"
      "rep outsb\n"
      "hlt\n");

/* The segment of OUTS can be overridden; that of INS cannot. */
GUEST(16, outs_segment,
      "mov $0x0c00, %ax\n"
      "mov %ax, %fs\n"
      "mov $0x10, %si\n"
      "mov $0x1f0, %dx\n"
      "cld\n"
      "fs outsb\n"
      "mov $0xc000, %esi\n"
      "addr32 outsb\n"
      "hlt\n");

GUEST(64, rep_outs64,
      "mov $0x1ff0, %esi\n"
      "add $0x100000, %rsi\n"
      "mov $0x1f0, %edx\n"
      "mov $32, %ecx\n"
      "cld\n"
      "rep outsb\n"
      "hlt\n");

GUEST(64, rep_ins_fault,
      "lea 1f(%rip), %r15\n"
      "movabs $0x7ffffffff000, %rdi\n"
      "mov $0x1f0, %edx\n"
      "mov $4, %ecx\n"
      "cld\n"
      "rep insb\n"
      "1: hlt\n");

static void in_sizes(void)
{
	static const uint32_t sizes[] = { 1, 2, 4, 1 };
	struct vcpu *v = guest(16, in_all_sizes);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		RUN_TO(v, KVM_EXIT_IO);
		EQ(v->run->io.direction, KVM_EXIT_IO_IN);
		EQ(v->run->io.size, sizes[i]);
		EQ(v->run->io.port, i == 3 ? 0x21 : 0x1f0);
		EQ(v->run->io.count, 1);
		memcpy(io_data(v), "\x11\x22\x33\x44", 4);
	}
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_data(v, uint32_t)[0], 0xffffff11);
	EQ(guest_data(v, uint32_t)[1], 0xffff2211);
	EQ(guest_data(v, uint32_t)[2], 0x44332211);
}

/* A 32-bit IN clears the upper half of RAX. */
static void in_zero_extends(void)
{
	struct vcpu *v = guest(64, in64);

	RUN_TO(v, KVM_EXIT_IO);
	memcpy(io_data(v), "\x11\x22\x33\x44", 4);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rax, 0x44332211);
}

static void outs(void)
{
	struct vcpu *v = guest(16, outs_one);

	memcpy((void *)guest_data(v, uint8_t), "\x01\x02\x03\x04\x05\x06\x07", 7);
	RUN_TO_OUT(v, 0x1f0, 0x01);
	RUN_TO_OUT(v, 0x1f0, 0x0302);
	RUN_TO_OUT(v, 0x1f0, 0x07060504);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rsi, 0xc007);
}

/*
 * expect_stream() - take IO exits until total bytes have passed, comparing
 * them with data (OUT) or supplying them (IN). Return: how many exits.
 */
static unsigned int stream(struct vcpu *v, int direction, unsigned int size,
			   uint8_t *data, size_t total)
{
	struct kvm_run *run = v->run;
	unsigned int exits = 0;
	size_t at = 0, len;

	while (at < total) {
		RUN_TO(v, KVM_EXIT_IO);
		EQ(run->io.direction, direction);
		EQ(run->io.size, size);
		EQ(run->io.port, 0x1f0);
		len = (size_t)run->io.size * run->io.count;
		REQUIRE(len && len <= total - at, "%zu bytes, %zu are left",
			len, total - at);
		REQUIRE(len <= 4096 && run->io.data_offset + len <= v->run_size,
			"data is outside of the shared page");
		if (direction == KVM_EXIT_IO_OUT)
			CHECK(!memcmp(io_data(v), data + at, len),
			      "wrong data at %zu", at);
		else
			memcpy(io_data(v), data + at, len);
		at += len;
		exits++;
	}
	return exits;
}

static void outs_rep(void)
{
	struct vcpu *v = guest(16, rep_outs);
	uint8_t data[3000];
	unsigned int i, exits;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	memcpy((void *)guest_data(v, uint8_t), data, sizeof(data));
	exits = stream(v, KVM_EXIT_IO_OUT, 1, data, 1000);
	diag("rep outsb of 1000: %u exits", exits);
	exits = stream(v, KVM_EXIT_IO_OUT, 2, data + 1000, 2000);
	diag("rep outsw of 1000: %u exits", exits);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rsi, 0xc000 + 3000);
	EQ(get_regs(v).rcx, 0);
}

static void outs_rep_down(void)
{
	struct vcpu *v = guest(16, rep_outs_down);
	uint32_t data[16];
	int i;

	for (i = 0; i < 16; i++) {
		data[i] = 0x01010101 * (i + 1);
		*(uint32_t *)(v->vm->mem + 0xc100 - 4 * i) = data[i];
	}
	stream(v, KVM_EXIT_IO_OUT, 4, (uint8_t *)data, sizeof(data));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rsi, 0xc100 - 64);
	EQ(get_regs(v).rcx, 0);
}

static void ins_rep(void)
{
	struct vcpu *v = guest(16, rep_ins);
	uint8_t data[1200];
	unsigned int i, exits;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 5 + 3;
	exits = stream(v, KVM_EXIT_IO_IN, 2, data, sizeof(data));
	diag("rep insw of 600: %u exits", exits);
	CHECK(exits < 600, "string input is not batched: %u exits", exits);
	RUN_TO(v, KVM_EXIT_HLT);
	CHECK(!memcmp((void *)guest_data(v, uint8_t), data, sizeof(data)),
	      "wrong data");
	EQ(guest_data(v, uint8_t)[sizeof(data)], 0);
	EQ(get_regs(v).rdi, 0xc000 + sizeof(data));
	EQ(get_regs(v).rcx, 0);
}

static void ins_rep_down(void)
{
	struct vcpu *v = guest(16, rep_ins_down);
	uint32_t data[4] = { 0x11111111, 0x22222222, 0x33333333, 0x44444444 };
	volatile uint32_t *mem = guest_data(v, uint32_t);

	stream(v, KVM_EXIT_IO_IN, 4, (uint8_t *)data, sizeof(data));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(mem[0], 0);
	EQ(mem[1], data[3]);
	EQ(mem[4], data[0]);
	EQ(mem[5], 0);
	EQ(get_regs(v).rdi, 0xc000);
}

static void rep_count_zero(void)
{
	struct vcpu *v = guest(16, rep_zero);

	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rsi, 0xc000);
	EQ(get_regs(v).rdi, 0xc000);
}

static void outs_overrides(void)
{
	struct vcpu *v = guest(16, outs_segment);

	guest_data(v, uint8_t)[0] = 0x77;
	guest_data(v, uint8_t)[0x10] = 0x88;
	RUN_TO_OUT(v, 0x1f0, 0x88);
	RUN_TO_OUT(v, 0x1f0, 0x77);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void outs_crosses_page(void)
{
	struct vcpu *v = guest(64, rep_outs64);
	uint8_t data[32];
	unsigned int i;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i + 100;
	memcpy(v->vm->mem + 0x101ff0, data, sizeof(data));
	stream(v, KVM_EXIT_IO_OUT, 1, data, sizeof(data));
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(get_regs(v).rsi, 0x102010);
}

/* Where INS cannot store, the guest gets a page fault. */
static void ins_faults(void)
{
	struct vcpu *v = guest(64, rep_ins_fault);
	int i;

	/* Whether the port is read before the fault is found is not fixed. */
	for (i = 0; i < 5; i++) {
		REQUIRE(!vcpu_run(v), "KVM_RUN: %s", strerror(errno));
		if (v->run->exit_reason != KVM_EXIT_IO)
			break;
	}
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	EQ(guest_exc(v)->vector, 14);
	EQ(guest_exc(v)->error, 2);
	EQ(guest_exc(v)->cr2, 0x7ffffffff000);
}

/*
 * An I/O instruction whose data has been supplied completes when RUN is called
 * again, even if that call only says EINTR: registers can be read after it.
 */
static void completes_with_immediate_exit(void)
{
	struct vcpu *v = guest(16, in_all_sizes);

	RUN_TO(v, KVM_EXIT_IO);
	*(uint8_t *)io_data(v) = 0xab;
	v->run->immediate_exit = 1;
	EQ(vcpu_run(v), -EINTR);
	EQ(get_regs(v).rax & 0xff, 0xab);
	v->run->immediate_exit = 0;
	RUN_TO(v, KVM_EXIT_IO);
	EQ(v->run->io.size, 2);
}

GUEST(16, every_port,
      "mov $0, %edx\n"
      "1: in %dx, %al\n"
      "add %bx, %dx\n"
      "jnc 1b\n"
      "hlt\n");

/*
 * Without devices in the kernel every port is user space's: a port that
 * answered by itself would be the host's.
 */
static void every_port_exits(void)
{
	struct vcpu *v = guest(16, every_port);
	struct kvm_regs regs = get_regs(v);
	uint32_t port, step = scale(1, 97);

	regs.rbx = step;
	set_regs(v, &regs);
	for (port = 0; port < 0x10000; port += step) {
		RUN_TO(v, KVM_EXIT_IO);
		REQUIRE(v->run->io.port == port, "port 0x%x instead of 0x%x",
			v->run->io.port, port);
	}
	RUN_TO(v, KVM_EXIT_HLT);
}

static const struct test tests[] = {
	{ "in_sizes", in_sizes },
	{ "in_zero_extends", in_zero_extends },
	{ "outs", outs },
	{ "outs_rep", outs_rep },
	{ "outs_rep_down", outs_rep_down },
	{ "ins_rep", ins_rep },
	{ "ins_rep_down", ins_rep_down },
	{ "rep_count_zero", rep_count_zero },
	{ "outs_overrides", outs_overrides },
	{ "outs_crosses_page", outs_crosses_page },
	{ "ins_faults", ins_faults },
	{ "completes_with_immediate_exit", completes_with_immediate_exit },
	{ "every_port_exits", every_port_exits },
};

TEST_SUITE(tests);
