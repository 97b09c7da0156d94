// SPDX-License-Identifier: GPL-2.0
/* The calls on a vCPU: their errors, after which nothing has changed. */
#include <signal.h>
#include <sys/mman.h>

#include "vm.h"

#define BAD_POINTER ((void *)8)

GUEST(16, nothing, "hlt\n");

/* All the state that a failing call could have touched. */
struct snapshot {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	struct kvm_xsave xsave;
	struct kvm_xcrs xcrs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
};

static struct snapshot snapshot(struct vcpu *v)
{
	struct snapshot s = { };

	OK(ioctl(v->fd, KVM_GET_REGS, &s.regs));
	OK(ioctl(v->fd, KVM_GET_SREGS, &s.sregs));
	OK(ioctl(v->fd, KVM_GET_FPU, &s.fpu));
	OK(ioctl(v->fd, KVM_GET_XSAVE, &s.xsave));
	OK(ioctl(v->fd, KVM_GET_XCRS, &s.xcrs));
	OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &s.events));
	OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &s.debugregs));
	OK(ioctl(v->fd, KVM_GET_MP_STATE, &s.mp_state));
	return s;
}

static void unchanged(struct vcpu *v, const struct snapshot *before)
{
	struct snapshot now = snapshot(v);

#define SAME(f) CHECK(!memcmp(&now.f, &before->f, sizeof(now.f)), #f " changed")
	SAME(regs);
	SAME(sregs);
	SAME(fpu);
	SAME(xsave);
	SAME(xcrs);
	SAME(events);
	SAME(debugregs);
	SAME(mp_state);
}

static void bad_pointers(void)
{
	static const unsigned long calls[] = {
		KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_SREGS,
		KVM_GET_FPU, KVM_SET_FPU, KVM_GET_XSAVE, KVM_SET_XSAVE,
		KVM_GET_XSAVE2, KVM_GET_SREGS2, KVM_SET_SREGS2,
		KVM_GET_XCRS, KVM_SET_XCRS, KVM_GET_VCPU_EVENTS,
		KVM_SET_VCPU_EVENTS, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS,
		KVM_GET_MP_STATE, KVM_SET_MP_STATE, KVM_GET_MSRS, KVM_SET_MSRS,
		KVM_SET_CPUID2, KVM_GET_CPUID2, KVM_TRANSLATE, KVM_INTERRUPT,
		KVM_SET_GUEST_DEBUG, KVM_SET_SIGNAL_MASK, KVM_ENABLE_CAP,
	};
	struct vcpu *v = guest(16, nothing);
	struct snapshot s = snapshot(v);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		errno = 0;
		CHECK(ioctl(v->fd, calls[i], BAD_POINTER) < 0 && errno == EFAULT,
		      "call 0x%lx: %s instead of EFAULT", calls[i] & 0xff,
		      strerror(errno));
	}
	unchanged(v, &s);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void unknown_calls(void)
{
	struct vcpu *v = guest(16, nothing);

	FAILS(ioctl(v->fd, _IO(KVMIO, 0xff), 0), NO_CALL(EINVAL));
	FAILS(ioctl(v->fd, KVM_CREATE_VCPU, 1), NO_CALL(EINVAL));
	FAILS(ioctl(v->fd, KVM_GET_API_VERSION, 0), NO_CALL(EINVAL));
	FAILS(ioctl(v->fd, _IO('v', 0x80), 0), NO_CALL(EINVAL));
	/* Another architecture's. */
	FAILS(ioctl(v->fd, KVM_S390_STORE_STATUS, 0), NO_CALL(EINVAL));
}

static void run_argument(void)
{
	struct vcpu *v = guest(16, nothing);

	FAILS(ioctl(v->fd, KVM_RUN, 1), EINVAL);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void mmap_bounds(void)
{
	struct vcpu *v = guest(16, nothing);
	void *p;

	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, v->fd, 0);
	REQUIRE(p != MAP_FAILED, "mmap: %s", strerror(errno));
	EQ(((struct kvm_run *)p)->exit_reason, v->run->exit_reason);
	munmap(p, 4096);
	/* A page that is not there faults, whenever that is found out. */
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, v->fd, 1UL << 32);
	if (p != MAP_FAILED) {
		int fds[2];

		OK(pipe(fds));
		FAILS(write(fds[1], p, 1), EFAULT);
	}
}

static void sregs_invalid(void)
{
	struct vcpu *v = guest(16, nothing);
	struct snapshot s = snapshot(v);
	struct kvm_sregs bad;

#define BAD_SREGS(field, value)						\
	do {								\
		bad = s.sregs;						\
		bad.field = (value);					\
		FAILS(ioctl(v->fd, KVM_SET_SREGS, &bad), EINVAL);	\
		unchanged(v, &s);					\
	} while (0)
	BAD_SREGS(cr0, 1ULL << 32);		/* reserved */
	BAD_SREGS(cr0, 0x80000010);		/* PG without PE */
	if (is_kvmlite())	/* KVM leaves that to the CPU before 6.5. */
		BAD_SREGS(cr0, 0x20000010);	/* NW without CD */
	BAD_SREGS(cr4, 1ULL << 31);
	BAD_SREGS(cr4, 1ULL << 63);
	if (is_kvmlite())	/* KVM takes it, and cannot enter. */
		BAD_SREGS(efer, 0x2);		/* reserved */
	BAD_SREGS(efer, 0x400);			/* LMA without LME */
	BAD_SREGS(apic_base, 1ULL << 60);
	bad = s.sregs;
	bad.cr0 = 0x80000011;
	bad.efer = 0x500;			/* long mode without PAE */
	FAILS(ioctl(v->fd, KVM_SET_SREGS, &bad), EINVAL);
	unchanged(v, &s);
	RUN_TO(v, KVM_EXIT_HLT);
}

static void cpuid_errors(void)
{
	struct vcpu *v = guest(16, nothing);
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 300 * sizeof(c->entries[0]));

	c->nent = 257;
	FAILS(ioctl(v->fd, KVM_SET_CPUID2, c), E2BIG);
	c->nent = 0xffffffff;
	FAILS(ioctl(v->fd, KVM_SET_CPUID2, c), E2BIG);
	c->nent = 2;
	c->entries[1].function = 1;
	OK(ioctl(v->fd, KVM_SET_CPUID2, c));
	c->nent = 1;
	FAILS(ioctl(v->fd, KVM_GET_CPUID2, c), E2BIG);
	c->nent = 300;
	OK(ioctl(v->fd, KVM_GET_CPUID2, c));
	if (is_kvmlite())	/* KVM fills it in from 6.4 on. */
		EQ(c->nent, 2);
	EQ(c->entries[1].function, 1);
}

static void msrs_errors(void)
{
	struct vcpu *v = guest(16, nothing);
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry e[256];
	} *m = calloc(1, sizeof(*m));

	m->head.nmsrs = 256;
	FAILS(ioctl(v->fd, KVM_GET_MSRS, m), E2BIG);
	FAILS(ioctl(v->fd, KVM_SET_MSRS, m), E2BIG);
	m->head.nmsrs = 0xffffffff;
	FAILS(ioctl(v->fd, KVM_GET_MSRS, m), E2BIG);
	m->head.nmsrs = 0;
	EQ(OK(ioctl(v->fd, KVM_GET_MSRS, m)), 0);
	/* The answer is how many were done; the first unknown one ends it. */
	m->head.nmsrs = 3;
	m->e[0].index = 0x174;		/* SYSENTER_CS */
	m->e[0].data = 0x8;
	m->e[1].index = 0x12345678;
	m->e[2].index = 0x175;		/* SYSENTER_ESP */
	m->e[2].data = 0x1000;
	EQ(OK(ioctl(v->fd, KVM_SET_MSRS, m)), 1);
	EQ(OK(ioctl(v->fd, KVM_GET_MSRS, m)), 1);
	EQ(m->e[0].data, 8);
	m->head.nmsrs = 1;
	m->e[0].index = 0x175;
	EQ(OK(ioctl(v->fd, KVM_GET_MSRS, m)), 1);
	EQ(m->e[0].data, 0);
}

static void mp_state(void)
{
	struct vcpu *v = guest(16, nothing);
	struct kvm_mp_state s = { .mp_state = 1000 };

	FAILS(ioctl(v->fd, KVM_SET_MP_STATE, &s), EINVAL);
	/* Without the irqchip there is nothing that could wake it. */
	s.mp_state = KVM_MP_STATE_HALTED;
	FAILS(ioctl(v->fd, KVM_SET_MP_STATE, &s), EINVAL);
	s.mp_state = KVM_MP_STATE_INIT_RECEIVED;
	FAILS(ioctl(v->fd, KVM_SET_MP_STATE, &s), EINVAL);
	s.mp_state = KVM_MP_STATE_RUNNABLE;
	OK(ioctl(v->fd, KVM_SET_MP_STATE, &s));
	s.mp_state = 7;
	OK(ioctl(v->fd, KVM_GET_MP_STATE, &s));
	EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
}

static void vcpu_events(void)
{
	struct vcpu *v = guest(16, nothing);
	struct snapshot s = snapshot(v);
	struct kvm_vcpu_events e;

	e = s.events;
	e.flags = 1u << 31;
	FAILS(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	unchanged(v, &s);
	e = s.events;
	e.flags = 0;
	e.exception.injected = 1;
	e.exception.nr = 32;
	FAILS(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	unchanged(v, &s);
	e.exception.nr = 2;		/* NMI is no exception */
	FAILS(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	unchanged(v, &s);
	/* The payload is not enabled on this VM. */
	e = s.events;
	e.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	FAILS(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	unchanged(v, &s);
}

static void debugregs(void)
{
	struct vcpu *v = guest(16, nothing);
	struct snapshot s = snapshot(v);
	struct kvm_debugregs d;

	EQ(s.debugregs.dr6, 0xffff0ff0);
	EQ(s.debugregs.dr7, 0x400);
	d = s.debugregs;
	d.flags = 1;
	FAILS(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	d = s.debugregs;
	d.dr6 = 1ULL << 32;
	FAILS(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	d = s.debugregs;
	d.dr7 = 1ULL << 32;
	FAILS(ioctl(v->fd, KVM_SET_DEBUGREGS, &d), EINVAL);
	unchanged(v, &s);
}

static void xcrs(void)
{
	struct vcpu *v = guest(16, nothing);
	struct snapshot s = snapshot(v);
	struct kvm_xcrs x;

	EQ(s.xcrs.nr_xcrs, 1);
	EQ(s.xcrs.xcrs[0].xcr, 0);
	EQ(s.xcrs.xcrs[0].value, 1);
	x = s.xcrs;
	x.nr_xcrs = 17;
	FAILS(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x = s.xcrs;
	x.flags = 1;
	FAILS(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x = s.xcrs;
	x.xcrs[0].value = 0;		/* x87 is not optional */
	FAILS(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 1ULL << 62 | 1;
	FAILS(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	unchanged(v, &s);
}

static void xsave(void)
{
	struct vcpu *v = guest(16, nothing);
	struct snapshot s = snapshot(v);
	struct kvm_xsave x;

	x = s.xsave;
	x.region[128] = 0;		/* XSTATE_BV */
	x.region[129] = 1 << 30;
	FAILS(ioctl(v->fd, KVM_SET_XSAVE, &x), EINVAL);
	unchanged(v, &s);
	x = s.xsave;
	x.region[128] = 3;
	x.region[6] = 0xffffffff;	/* MXCSR, valid by the bit for SSE */
	FAILS(ioctl(v->fd, KVM_SET_XSAVE, &x), EINVAL);
	unchanged(v, &s);
}

static void signal_mask(void)
{
	struct vcpu *v = guest(16, nothing);
	struct {
		struct kvm_signal_mask head;
		uint8_t bits[8];
	} m = { .head.len = 4 };

	FAILS(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	m.head.len = 16;
	FAILS(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m), EINVAL);
	m.head.len = 8;
	OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, &m));
	OK(ioctl(v->fd, KVM_SET_SIGNAL_MASK, NULL));
	RUN_TO(v, KVM_EXIT_HLT);
}

static void interrupt(void)
{
	struct vcpu *v = guest(16, nothing);
	struct kvm_interrupt irq = { .irq = 256 };
	struct snapshot s = snapshot(v);

	FAILS(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	irq.irq = 0xffffffff;
	FAILS(ioctl(v->fd, KVM_INTERRUPT, &irq), EINVAL);
	unchanged(v, &s);
}

static void interrupt_with_irqchip(void)
{
	struct kvm_interrupt irq = { .irq = 32 };
	struct vm *vm = vm_bare();
	int fd;

	OK(ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0));
	fd = OK(ioctl(vm->fd, KVM_CREATE_VCPU, 0));
	FAILS(ioctl(fd, KVM_INTERRUPT, &irq), ENXIO);
}

/* There is room for one injected exception. */
static void guest_debug(void)
{
	struct vcpu *v = guest(16, nothing);
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP,
	};

	OK(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d));
	FAILS(ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d), EBUSY);
}

static void enable_cap(void)
{
	struct vcpu *v = guest(16, nothing);
	struct kvm_enable_cap cap = { .cap = 100000 };

	FAILS(ioctl(v->fd, KVM_ENABLE_CAP, &cap), EINVAL);
	cap.cap = KVM_CAP_USER_MEMORY;
	FAILS(ioctl(v->fd, KVM_ENABLE_CAP, &cap), EINVAL);
}

static void tsc_khz(void)
{
	struct vcpu *v = guest(16, nothing);
	long khz = OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0));

	CHECK(khz > 0, "%ld kHz", khz);
	OK(ioctl(v->fd, KVM_SET_TSC_KHZ, khz));
	EQ(OK(ioctl(v->fd, KVM_GET_TSC_KHZ, 0)), khz);
}

static const struct test tests[] = {
	{ "bad_pointers", bad_pointers },
	{ "unknown_calls", unknown_calls },
	{ "run_argument", run_argument },
	{ "mmap_bounds", mmap_bounds },
	{ "sregs_invalid", sregs_invalid },
	{ "cpuid_errors", cpuid_errors },
	{ "msrs_errors", msrs_errors },
	{ "mp_state", mp_state },
	{ "vcpu_events", vcpu_events },
	{ "debugregs", debugregs },
	{ "xcrs", xcrs },
	{ "xsave", xsave },
	{ "signal_mask", signal_mask },
	{ "interrupt", interrupt },
	{ "interrupt_with_irqchip", interrupt_with_irqchip },
	{ "guest_debug", guest_debug },
	{ "enable_cap", enable_cap },
	{ "tsc_khz", tsc_khz },
};

TEST_SUITE(tests);
