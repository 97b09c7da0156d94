// SPDX-License-Identifier: GPL-2.0
/*
 * A guest is saved in the middle of its work by one process and goes on in
 * another: in the end both have the same registers and the same memory.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "vm.h"

#define MMIO32(addr, value) \
	"mov $" #addr ", %eax\nmovl $" #value ", (%rax)\n"
#define LAPIC(reg, value)	MMIO32(0xfee00000 + (reg), value)

/*
 * Work that touches all kinds of registers, with nothing in it that depends on
 * time: an OUT now and then, one interrupt that waits in the APIC all the while. It
 * comes when the priority falls, not with STI: an exit in the shadow of that, which a CPU
 * that is emulated may lose, would put another RIP on the stack.
 */
GUEST(64, work,
      "mov %cr4, %rax\n"
      "or $0x600, %eax\n"
      "mov %rax, %cr4\n"
      LAPIC(0xf0, 0x1ff)
      LAPIC(0x300, 0x40061)
      "mov $0xc0000082, %ecx\n"		/* LSTAR */
      "mov $0x12345678, %eax\n"
      "mov $0x7ff0, %edx\n"
      "wrmsr\n"
      "mov $0x5a5a0000, %eax\n"
      "mov %rax, %dr1\n"
      "fninit\n"
      "fldpi\n"
      "mov $0x100000, %edi\n"
      "mov $1, %rbx\n"
      "mov $4096, %r12\n"
      "1: imul $0x5851f42d, %rbx, %rbx\n"
      "add $0x14057b7e, %rbx\n"
      "ror $7, %rbx\n"
      "movq %rbx, %xmm0\n"
      "paddq %xmm0, %xmm1\n"
      "pshufd $0x4e, %xmm1, %xmm1\n"
      "fld1\n"
      "faddp\n"
      "mov %rbx, (%rdi)\n"
      "xadd %rbx, 64(%rdi)\n"
      "add $0x88, %edi\n"
      "test $0xff, %r12\n"
      "jnz 2f\n"
      "out %al, $0x10\n"
      "2: dec %r12\n"
      "jnz 1b\n"
      "mov $15, %eax\n"
      "mov %rax, %cr8\n"
      "sti\n"
      "nop\n"
      "xor %eax, %eax\n"
      "mov %rax, %cr8\n"		/* now it may come */
      "nop\n"
      "cli\n"
      "fstpl 0xc010\n"
      "movdqu %xmm1, 0xc020\n"
      "mov $0xc0000082, %ecx\n"
      "rdmsr\n"
      "mov %dr1, %rsi\n"
      "out %al, $0x11\n"
      "hlt\n");

#define MSRS 256

struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_xsave xsave;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp_state;
	struct kvm_lapic_state lapic;
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[MSRS];
	} msrs;
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[256];
	} cpuid;
};

/* Shared by the two processes. */
struct saved {
	struct vcpu_state vcpu, end[2];
	struct kvm_irqchip chip[3];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
	uint8_t mem[VM_MEM], end_mem[2][VM_MEM];
};

static void list_msrs(struct vcpu_state *s)
{
	struct {
		struct kvm_msr_list head;
		uint32_t index[MSRS];
	} list = { .head.nmsrs = MSRS };
	int fd = kvm_open();
	uint32_t i;

	OK(ioctl(fd, KVM_GET_MSR_INDEX_LIST, &list));
	s->msrs.head.nmsrs = 0;
	/* One call takes less than 256. */
	for (i = 0; i < list.head.nmsrs && i < 200; i++)
		s->msrs.entry[s->msrs.head.nmsrs++].index = list.index[i];
	close(fd);
}

static void save_vcpu(struct vcpu *v, struct vcpu_state *s)
{
	s->regs = get_regs(v);
	s->sregs = get_sregs(v);
	OK(ioctl(v->fd, KVM_GET_XCRS, &s->xcrs));
	OK(ioctl(v->fd, KVM_GET_XSAVE, &s->xsave));
	OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &s->debugregs));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &s->events));
	OK(ioctl(v->fd, KVM_GET_MP_STATE, &s->mp_state));
	OK(ioctl(v->fd, KVM_GET_LAPIC, &s->lapic));
	list_msrs(s);
	EQ(OK(ioctl(v->fd, KVM_GET_MSRS, &s->msrs)), s->msrs.head.nmsrs);
	s->cpuid.head.nent = 256;
	OK(ioctl(v->fd, KVM_GET_CPUID2, &s->cpuid));
}

static void restore_vcpu(struct vcpu *v, struct vcpu_state *s)
{
	OK(ioctl(v->fd, KVM_SET_CPUID2, &s->cpuid));
	set_sregs(v, &s->sregs);
	set_regs(v, &s->regs);
	OK(ioctl(v->fd, KVM_SET_XCRS, &s->xcrs));
	OK(ioctl(v->fd, KVM_SET_XSAVE, &s->xsave));
	EQ(OK(ioctl(v->fd, KVM_SET_MSRS, &s->msrs)), s->msrs.head.nmsrs);
	OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &s->debugregs));
	OK(ioctl(v->fd, KVM_SET_LAPIC, &s->lapic));
	OK(ioctl(v->fd, KVM_SET_MP_STATE, &s->mp_state));
	OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &s->events));
}

static struct vm *machine(void)
{
	struct kvm_pit_config pit = { };
	struct vm *vm = vm_new();

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	OK(ioctl(vm->fd, KVM_CREATE_PIT2, &pit));
	return vm;
}

/* To its end, which is written down as number @who. */
static void finish(struct vcpu *v, struct saved *s, int who)
{
	for (;;) {
		EQ(vcpu_run(v), 0);
		REQUIRE(v->run->exit_reason == KVM_EXIT_IO, "exit %u",
			v->run->exit_reason);
		if (v->run->io.port == 0x11)
			break;
	}
	v->run->immediate_exit = 1;
	EQ(vcpu_run(v), -EINTR);
	save_vcpu(v, &s->end[who]);
	memcpy(s->end_mem[who], v->vm->mem, VM_MEM);
}

static void second_life(struct saved *s)
{
	struct vm *vm = machine();
	struct vcpu *v = vcpu_new(vm, 0);
	unsigned int i;

	memcpy(vm->mem, s->mem, VM_MEM);
	for (i = 0; i < 3; i++)
		OK(ioctl(vm->fd, KVM_SET_IRQCHIP, &s->chip[i]));
	OK(ioctl(vm->fd, KVM_SET_PIT2, &s->pit));
	s->clock.flags = 0;
	OK(ioctl(vm->fd, KVM_SET_CLOCK, &s->clock));
	restore_vcpu(v, &s->vcpu);
	finish(v, s, 1);
}

static bool tells_time(uint32_t msr)
{
	return msr == 0x10 || msr == 0x3b || msr == 0x6e0;
}

static void compare(struct saved *s)
{
	struct vcpu_state *a = &s->end[0], *b = &s->end[1];
	unsigned int i;

	CHECK(!memcmp(&a->regs, &b->regs, sizeof(a->regs)), "registers");
	CHECK(!memcmp(&a->sregs, &b->sregs, sizeof(a->sregs)), "system registers");
	CHECK(!memcmp(&a->xcrs, &b->xcrs, sizeof(a->xcrs)), "XCR0");
	CHECK(!memcmp(&a->xsave, &b->xsave, sizeof(a->xsave)), "FPU");
	CHECK(!memcmp(&a->debugregs, &b->debugregs, sizeof(a->debugregs)),
	      "debug registers");
	CHECK(!memcmp(&a->events, &b->events, sizeof(a->events)), "events");
	CHECK(!memcmp(&a->lapic, &b->lapic, sizeof(a->lapic)), "LAPIC");
	EQ(a->mp_state.mp_state, b->mp_state.mp_state);
	for (i = 0; i < a->msrs.head.nmsrs; i++)
		CHECK(tells_time(a->msrs.entry[i].index) ||
		      a->msrs.entry[i].data == b->msrs.entry[i].data,
		      "MSR 0x%x: 0x%llx, 0x%llx", a->msrs.entry[i].index,
		      a->msrs.entry[i].data, b->msrs.entry[i].data);
	for (i = 0; i < VM_MEM / 4096; i++)
		CHECK(!memcmp(s->end_mem[0] + i * 4096, s->end_mem[1] + i * 4096,
			      4096), "memory at 0x%x", i * 4096);
}

static void in_a_new_process(void)
{
	struct saved *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int go[2], status;
	struct vcpu *v;
	unsigned int i;
	pid_t child;
	char c;

	REQUIRE(s != MAP_FAILED, "mmap: %s", strerror(errno));
	OK(pipe(go));
	/* Before there is a VM: nothing of it is there but what was saved. */
	child = OK(fork());
	if (!child) {
		close(go[1]);
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		second_life(s);
		_exit(test_failures() ? 1 : 0);
	}

	v = vcpu_new(machine(), 0);
	load_guest(v->vm, GPA_CODE, work);
	vcpu_long(v);
	guest_exc(v)->eoi = 1;
	for (i = 0; i < 6; i++) {
		RUN_TO(v, KVM_EXIT_IO);
		EQ(v->run->io.port, 0x10);
	}
	/* The OUT is complete when KVM_RUN has been called again. */
	v->run->immediate_exit = 1;
	EQ(vcpu_run(v), -EINTR);
	v->run->immediate_exit = 0;
	save_vcpu(v, &s->vcpu);
	for (i = 0; i < 3; i++) {
		s->chip[i].chip_id = i;
		OK(ioctl(v->vm->fd, KVM_GET_IRQCHIP, &s->chip[i]));
	}
	OK(ioctl(v->vm->fd, KVM_GET_PIT2, &s->pit));
	OK(ioctl(v->vm->fd, KVM_GET_CLOCK, &s->clock));
	memcpy(s->mem, v->vm->mem, VM_MEM);

	finish(v, s, 0);
	vcpu_free(v);
	EQ(write(go[1], "x", 1), 1);
	EQ(waitpid(child, &status, 0), child);
	REQUIRE(!status, "the second process: status 0x%x", status);
	/* It has done something, and the interrupt came in both. */
	EQ(((struct guest_exc *)(s->end_mem[0] + GPA_EXC))->counts[0x61], 1);
	EQ(((struct guest_exc *)(s->mem + GPA_EXC))->counts[0x61], 0);
	EQ(s->end[0].regs.rax, 0x12345678);
	EQ(s->end[0].regs.rsi, 0x5a5a0000);
	CHECK(memcmp(s->mem, s->end_mem[0], VM_MEM), "no work was done");
	compare(s);
}

static const struct test tests[] = {
	{ "in_a_new_process", in_a_new_process },
};

TEST_SUITE(tests);
