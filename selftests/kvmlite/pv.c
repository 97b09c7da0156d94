// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest that knows of its hypervisor can ask for: hypercalls, and the
 * registers for stolen time and polling.
 */
#include <linux/kvm_para.h>

#include "vm.h"

GUEST(64, halts, "1: hlt\njmp 1b\n");

/* ---- hypercalls ---- */

#define VMCALL	"\x0f\x01\xc1"
#define VMMCALL	"\x0f\x01\xd9"

static const char *hypercall_insn(bool own)
{
	return host_is_amd() == own ? VMMCALL : VMCALL;
}

/* Where the code has three NOPs. */
static void put_hypercall(struct vm *vm, uint64_t gpa, size_t len, bool own)
{
	uint8_t *p = memmem(vm->mem + gpa, len, "\x90\x90\x90", 3);

	REQUIRE(p, "no place for a hypercall");
	memcpy(p, hypercall_insn(own), 3);
}

GUEST(64, calls,
      "1: nop\nnop\nnop\n"
      "hlt\n"
      "jmp 1b\n");

static long hypercall(struct vcpu *v, uint64_t nr, uint64_t a0, uint64_t a1,
		      uint64_t a2, uint64_t a3)
{
	struct kvm_regs regs = get_regs(v);

	regs.rip = GPA_CODE;
	regs.rax = nr;
	regs.rbx = a0;
	regs.rcx = a1;
	regs.rdx = a2;
	regs.rsi = a3;
	regs.rflags = 2;
	set_regs(v, &regs);
	EQ(vcpu_run(v), 0);
	return get_regs(v).rax;
}

static void patched_hypercall(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_DISABLE_QUIRKS2,
		.args[0] = KVM_X86_QUIRK_FIX_HYPERCALL_INSN,
	};
	struct vcpu *v = guest(64, calls);
	uint8_t *code = v->vm->mem + GPA_CODE;
	struct kvm_regs regs;

	put_hypercall(v->vm, GPA_CODE, 16, false);
	EQ(hypercall(v, 1234, 0, 0, 0, 0), -KVM_ENOSYS);
	CHECK(!memcmp(code, hypercall_insn(true), 3), "not patched");
	EQ(guest_exc(v)->count, 0);

	/* Not if it is not wanted: it is an invalid opcode. */
	v = guest(64, calls);
	code = v->vm->mem + GPA_CODE;
	put_hypercall(v->vm, GPA_CODE, 16, false);
	OK(ioctl(v->vm->fd, KVM_ENABLE_CAP, &cap));
	regs = get_regs(v);
	regs.r15 = GPA_CODE + 3;		/* the HLT behind it */
	set_regs(v, &regs);
	RUN_TO(v, KVM_EXIT_HLT);
	EQ(guest_exc(v)->counts[6], 1);
	CHECK(!memcmp(code, hypercall_insn(false), 3), "patched all the same");
}

static void hypercall_read_only(void)
{
	struct vcpu *v = guest(64, calls);
	struct kvm_sregs s = get_sregs(v);
	uint8_t *code = v->vm->mem + GPA_CODE;
	uint64_t *pd = (uint64_t *)(v->vm->mem + GPA_PD);

	put_hypercall(v->vm, GPA_CODE, 16, false);
	pd[0] &= ~2ULL;			/* and CR0.WP */
	s.cr0 |= 1 << 16;
	set_sregs(v, &s);
	EQ(hypercall(v, 1234, 0, 0, 0, 0), -KVM_ENOSYS);
	EQ(v->run->exit_reason, KVM_EXIT_HLT);
	CHECK(!memcmp(code, hypercall_insn(false), 3), "written to all the same");
}

static struct vcpu *call_guest(bool irqchip)
{
	struct vm *vm = vm_new();
	struct vcpu *v;

	if (irqchip)
		OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	v = vcpu_new(vm, 0);
	load_guest(vm, GPA_CODE, calls);
	put_hypercall(vm, GPA_CODE, 16, true);
	/* Something that ends KVM_RUN although HLT does not. */
	if (irqchip)
		memcpy(vm->mem + GPA_CODE + 3, "\xe6\x10\xeb\xf9", 4);
	vcpu_long(v);
	return v;
}

/* A CPU that halts without interrupts goes on when it is kicked. */
GUEST(64, halts_masked,
      "cli\n"
      "out %al, $0x10\n"
      "hlt\n"
      "out %al, $0x11\n");

static void kick(void)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = call_guest(true), *w;
	struct kvm_regs regs;
	struct runner r;

	w = vcpu_new(v->vm, 1);
	vcpu_long(w);
	load_guest(v->vm, 0x20000, halts_masked);
	regs = get_regs(w);
	regs.rip = 0x20000;
	set_regs(w, &regs);
	OK(ioctl(w->fd, KVM_SET_MP_STATE, &s));
	RUN_TO(w, KVM_EXIT_IO);
	runner_start(&r, w);
	sleep_ms(20);
	EQ(r.done, 0);
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 1, 0, 0), 0);
	runner_join(&r);
	EQ(r.result, 0);
	EQ(w->run->io.port, 0x11);
	/* Before the HLT it counts as well. */
	set_regs(w, &regs);
	RUN_TO(w, KVM_EXIT_IO);
	EQ(w->run->io.port, 0x10);
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 1, 0, 0), 0);
	RUN_TO(w, KVM_EXIT_IO);
	EQ(w->run->io.port, 0x11);
	/* Nobody is there. */
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 77, 0, 0), 0);
	EQ(hypercall(v, KVM_HC_SCHED_YIELD, 1, 0, 0, 0), 0);
	EQ(hypercall(v, KVM_HC_SCHED_YIELD, 77, 0, 0, 0), 0);
}

GUEST(64, takes_interrupts,
      "mov $0xfee000f0, %eax\n"
      "movl $0x1ff, (%rax)\n"
      "lock incl 0xc000\n"
      "sti\n"
      "1: hlt\n"
      "jmp 1b\n");

static void send_ipi(void)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct vcpu *v = call_guest(true), *w[2];
	struct kvm_regs regs;
	struct runner r[2];
	unsigned int i;

	load_guest(v->vm, 0x20000, takes_interrupts);
	guest_exc(v)->eoi = 1;
	for (i = 0; i < 2; i++) {
		/* In the low word, and in the high one. */
		w[i] = vcpu_new(v->vm, i ? 70 : 1);
		vcpu_long(w[i]);
		regs = get_regs(w[i]);
		regs.rip = 0x20000;
		regs.rsp = GPA_STACK - 0x1000 * (i + 1);
		set_regs(w[i], &regs);
		OK(ioctl(w[i]->fd, KVM_SET_MP_STATE, &s));
		runner_start(&r[i], w[i]);
	}
	CHECK(await(guest_data(v, uint32_t)[0] == 2), "they do not start");
	EQ(hypercall(v, KVM_HC_SEND_IPI, 1 << 1, 1 << 6, 0, 0x4061), 2);
	CHECK(await(guest_exc(v)->count == 2), "came %lu times", guest_exc(v)->count);
	EQ(guest_exc(v)->counts[0x61], 2);
	/* By another base; CPUs that are not there; no destination modes. */
	EQ(hypercall(v, KVM_HC_SEND_IPI, 1, ~0ULL, 70, 0x4062), 1);
	CHECK(await(guest_exc(v)->counts[0x62] == 1), "not by the base");
	EQ(hypercall(v, KVM_HC_SEND_IPI, ~0ULL, ~0ULL, 2000, 0x4062), 0);
	EQ(hypercall(v, KVM_HC_SEND_IPI, ~0ULL, ~0ULL, 0xfffffff0, 0x4062), -KVM_EINVAL);
	EQ(hypercall(v, KVM_HC_SEND_IPI, 2, 0, 0, 0xc4062), -KVM_EINVAL);
	for (i = 0; i < 2; i++)
		runner_stop(&r[i]);
}

/* ---- paravirtual registers ---- */

static void steal_time(void)
{
	struct vcpu *v = guest(64, halts);
	struct kvm_steal_time *st = (void *)(v->vm->mem + GPA_DATA);
	uint64_t value = 0;

	EQ(set_msr(v, MSR_KVM_STEAL_TIME, GPA_DATA | 2 | 1), 0);
	EQ(set_msr(v, MSR_KVM_STEAL_TIME, GPA_DATA | 1), 1);
	EQ(get_msr(v, MSR_KVM_STEAL_TIME, &value), 1);
	EQ(value, GPA_DATA | 1);
	RUN_TO(v, KVM_EXIT_HLT);
	CHECK(st->version >= 2 && !(st->version & 1), "version %u", st->version);
	EQ(set_msr(v, MSR_KVM_STEAL_TIME, 0), 1);
	EQ(set_msr(v, MSR_KVM_POLL_CONTROL, 2), 0);
	EQ(set_msr(v, MSR_KVM_POLL_CONTROL, 0), 1);
	/* An address without memory does no harm. */
	EQ(set_msr(v, MSR_KVM_STEAL_TIME, GPA_MMIO | 1), 1);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void enforced(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID,
		.args[0] = 1,
	};
	struct vcpu *v = call_guest(false);
	struct kvm_cpuid2 none = { };
	uint64_t value;

	EQ(get_msr(v, MSR_KVM_STEAL_TIME, &value), 1);
	OK(ioctl(v->fd, KVM_SET_CPUID2, &none));
	OK(ioctl(v->fd, KVM_ENABLE_CAP, &cap));
	EQ(get_msr(v, MSR_KVM_STEAL_TIME, &value), 0);
	EQ(get_msr(v, MSR_KVM_SYSTEM_TIME_NEW, &value), 0);
	EQ(set_msr(v, MSR_KVM_WALL_CLOCK, 0), 0);
	EQ(hypercall(v, KVM_HC_KICK_CPU, 0, 0, 0, 0), -KVM_ENOSYS);
	EQ(hypercall(v, KVM_HC_SCHED_YIELD, 0, 0, 0, 0), -KVM_ENOSYS);
	cap.flags = 1;
	FAILS(ioctl(v->fd, KVM_ENABLE_CAP, &cap), EINVAL);
}

static const struct test tests[] = {
	{ "patched_hypercall", patched_hypercall },
	{ "hypercall_read_only", hypercall_read_only },
	{ "kick", kick },
	{ "send_ipi", send_ipi },
	{ "steal_time", steal_time },
	{ "enforced", enforced },
};

TEST_SUITE(tests);
