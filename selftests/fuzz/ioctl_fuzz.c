// SPDX-License-Identifier: GPL-2.0
/*
 * Random ioctls, from several threads, on every descriptor there is, while
 * guest memory is mapped, unmapped, protected and given back. Nothing here has
 * a right answer: the kernel must survive, and each call must come back.
 *
 * Bounded by --count, repeatable by --seed as far as threads allow.
 */
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "vm.h"

#define VMS		3
#define VCPUS		3
#define ARENA		(4UL << 20)
#define PAGE		4096UL
#define ARG_SIZE	0x3000UL

static uint64_t seed = 1;
static unsigned long count = 20000;
static unsigned int threads = 3;
static unsigned int limit = 600;

static struct {
	int device;
	int vm[VMS];
	int vcpu[VMS][VCPUS];
	struct kvm_run *run[VMS][VCPUS];
	int event[4];
	uint8_t *arena;
	size_t run_size;
	unsigned long done, succeeded, restarts;
	volatile int finished;
} g;

/* One per thread: a generator, and where arguments are built. */
struct worker {
	pthread_t thread;
	uint64_t state;
	uint8_t *arg;
	unsigned int index;
	volatile unsigned long heartbeat;
};

static uint64_t rnd(struct worker *w)
{
	/* xorshift64* */
	w->state ^= w->state >> 12;
	w->state ^= w->state << 25;
	w->state ^= w->state >> 27;
	return w->state * 0x2545f4914f6cdd1dULL;
}

static uint64_t below(struct worker *w, uint64_t n)
{
	return rnd(w) % n;
}

static bool chance(struct worker *w, unsigned int percent)
{
	return below(w, 100) < percent;
}

/* Numbers that are more often at an edge than chance would have it. */
static uint64_t number(struct worker *w)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 7, 8, 15, 16, 24, 31, 32, 63, 64, 255, 256, 257,
		0xfff, 0x1000, 0x1001, 0xffff, 0x10000, 0x1fffff, 0x200000,
		0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0xfee00000,
		0xfec00000, 0xd0000000, 0x7fffffffffff, 0x800000000000,
		0x7fffffffffffffff, 0x8000000000000000, ~0ULL, ~0ULL << 12,
	};

	switch (below(w, 4)) {
	case 0:
		return edges[below(w, ARRAY_SIZE(edges))];
	case 1:
		return 1ULL << below(w, 64);
	case 2:
		return rnd(w) >> below(w, 64);
	default:
		return rnd(w);
	}
}

static uint64_t arena_address(struct worker *w)
{
	uint64_t a = (uintptr_t)g.arena + below(w, ARENA / PAGE) * PAGE;

	return chance(w, 90) ? a : number(w);
}

static uint32_t msr_number(struct worker *w)
{
	static const uint32_t known[] = {
		0x10, 0x1b, 0x3a, 0x3b, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179,
		0x17a, 0x1a0, 0x1d9, 0x200, 0x277, 0x2ff, 0x400, 0x6e0, 0x800,
		0x80b, 0x830, 0x83f, 0xda0, 0xc0000080, 0xc0000081, 0xc0000082,
		0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0x4b564d00,
		0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04, 0x11, 0x12,
		0x48, 0x49, 0x10a, 0xc0010015, 0xc001001f, 0x40000000,
	};

	return chance(w, 80) ? known[below(w, ARRAY_SIZE(known))] : number(w);
}

/*
 * Arguments: the fields that decide how far a call gets have a builder of
 * their own, all others are what was read from the kernel or garbage.
 */
static void build_region(struct worker *w)
{
	struct kvm_userspace_memory_region *r = (void *)w->arg;

	r->slot = chance(w, 90) ? below(w, 8) : number(w);
	r->flags = chance(w, 80) ? below(w, 4) : number(w);
	r->guest_phys_addr = chance(w, 90) ? below(w, 1024) * PAGE : number(w);
	r->memory_size = chance(w, 70) ? below(w, 600) * PAGE :
			 chance(w, 50) ? 0 : number(w);
	r->userspace_addr = arena_address(w);
}

static void build_dirty(struct worker *w)
{
	struct kvm_clear_dirty_log *l = (void *)w->arg;

	l->slot = chance(w, 90) ? below(w, 8) : number(w);
	l->num_pages = chance(w, 80) ? below(w, 20) * 64 : number(w);
	l->first_page = chance(w, 80) ? below(w, 20) * 64 : number(w);
	l->dirty_bitmap = (void *)(uintptr_t)arena_address(w);
}

static void build_msrs(struct worker *w)
{
	struct kvm_msrs *m = (void *)w->arg;
	unsigned int i;

	m->nmsrs = chance(w, 95) ? below(w, 20) : number(w);
	for (i = 0; i < 20; i++) {
		m->entries[i].index = msr_number(w);
		m->entries[i].data = number(w);
	}
}

static void build_cpuid(struct worker *w)
{
	struct kvm_cpuid2 *c = (void *)w->arg;

	c->nent = 200;
	if (chance(w, 70))
		ioctl(g.device, KVM_GET_SUPPORTED_CPUID, c);
	if (chance(w, 50))
		c->entries[below(w, 200)] = (struct kvm_cpuid_entry2) {
			.function = number(w), .index = number(w),
			.flags = number(w), .eax = number(w),
			.ebx = number(w), .ecx = number(w), .edx = number(w),
		};
	if (chance(w, 20))
		c->nent = number(w);
}

static void build_routing(struct worker *w)
{
	struct kvm_irq_routing *r = (void *)w->arg;
	unsigned int i;

	r->nr = chance(w, 90) ? below(w, 10) : number(w);
	r->flags = chance(w, 95) ? 0 : number(w);
	for (i = 0; i < 10; i++) {
		struct kvm_irq_routing_entry *e = &r->entries[i];

		memset(e, 0, sizeof(*e));
		e->gsi = chance(w, 90) ? below(w, 32) : number(w);
		e->type = 1 + below(w, chance(w, 90) ? 2 : 8);
		if (e->type == KVM_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = below(w, 4);
			e->u.irqchip.pin = below(w, 26);
		} else {
			e->u.msi.address_lo = 0xfee00000 | (rnd(w) & 0xff00c);
			e->u.msi.address_hi = chance(w, 90) ? 0 : number(w);
			e->u.msi.data = rnd(w) & 0xc7ff;
		}
	}
}

static void build_irqfd(struct worker *w)
{
	struct kvm_irqfd *f = (void *)w->arg;

	f->fd = chance(w, 90) ? g.event[below(w, 4)] : (int)below(w, 20);
	f->gsi = chance(w, 90) ? below(w, 32) : number(w);
	f->flags = chance(w, 90) ? below(w, 4) : number(w);
	f->resamplefd = g.event[below(w, 4)];
}

static void build_ioeventfd(struct worker *w)
{
	struct kvm_ioeventfd *f = (void *)w->arg;

	f->datamatch = below(w, 4);
	f->addr = chance(w, 50) ? 0x100 + below(w, 16) :
		  chance(w, 80) ? 0xd0000000 + below(w, 64) : number(w);
	f->len = chance(w, 90) ? 1u << below(w, 4) : number(w);
	f->fd = chance(w, 90) ? g.event[below(w, 4)] : (int)below(w, 20);
	f->flags = chance(w, 95) ? below(w, 8) : number(w);
}

static void build_irq_level(struct worker *w)
{
	struct kvm_irq_level *l = (void *)w->arg;

	l->irq = chance(w, 90) ? below(w, 26) : number(w);
	l->level = below(w, 2);
}

static void build_msi(struct worker *w)
{
	struct kvm_msi *m = (void *)w->arg;

	memset(m, 0, sizeof(*m));
	m->address_lo = 0xfee00000 | (rnd(w) & 0xff00c);
	m->data = rnd(w) & 0xffff;
	m->flags = chance(w, 95) ? 0 : number(w);
}

static void build_irqchip(struct worker *w)
{
	((struct kvm_irqchip *)w->arg)->chip_id =
		chance(w, 90) ? below(w, 3) : number(w);
}

static void build_cap(struct worker *w)
{
	struct kvm_enable_cap *c = (void *)w->arg;
	unsigned int i;

	c->cap = chance(w, 80) ? below(w, 250) : number(w);
	c->flags = chance(w, 90) ? 0 : number(w);
	for (i = 0; i < 4; i++)
		c->args[i] = chance(w, 60) ? below(w, 32) : number(w);
}

static void build_interrupt(struct worker *w)
{
	((struct kvm_interrupt *)w->arg)->irq =
		chance(w, 90) ? below(w, 256) : number(w);
}

static void build_signal_mask(struct worker *w)
{
	struct kvm_signal_mask *m = (void *)w->arg;

	/* SIGUSR1 must get through: it is what ends a RUN. */
	m->len = chance(w, 90) ? 8 : number(w);
	memset(m->sigset, 0, 8);
}

enum target { DEVICE, VM, VCPU };

struct call {
	unsigned long cmd;
	enum target target;
	void (*build)(struct worker *w);
	unsigned int weight;
	/* The argument is a plain number. */
	bool scalar;
	/* Fill the argument from this call first, then change a few bytes. */
	unsigned long get;
};

static const struct call calls[] = {
	{ KVM_GET_API_VERSION, DEVICE, .scalar = true, .weight = 1 },
	{ KVM_CHECK_EXTENSION, DEVICE, .scalar = true, .weight = 1 },
	{ KVM_GET_VCPU_MMAP_SIZE, DEVICE, .scalar = true, .weight = 1 },
	{ KVM_GET_MSR_INDEX_LIST, DEVICE, .weight = 1 },
	{ KVM_GET_MSR_FEATURE_INDEX_LIST, DEVICE, .weight = 1 },
	{ KVM_GET_SUPPORTED_CPUID, DEVICE, build_cpuid, 1 },
	{ KVM_GET_MSRS, DEVICE, build_msrs, 1 },

	{ KVM_CHECK_EXTENSION, VM, .scalar = true, .weight = 1 },
	{ KVM_SET_USER_MEMORY_REGION, VM, build_region, 12 },
	{ KVM_SET_USER_MEMORY_REGION2, VM, build_region, 3 },
	{ KVM_GET_DIRTY_LOG, VM, build_dirty, 4 },
	{ KVM_CLEAR_DIRTY_LOG, VM, build_dirty, 4 },
	{ KVM_ENABLE_CAP, VM, build_cap, 3 },
	{ KVM_CREATE_IRQCHIP, VM, .scalar = true, .weight = 1 },
	{ KVM_CREATE_PIT2, VM, .weight = 1 },
	{ KVM_GET_PIT2, VM, .weight = 1 },
	{ KVM_SET_PIT2, VM, .weight = 3, .get = KVM_GET_PIT2 },
	{ KVM_REINJECT_CONTROL, VM, .weight = 1 },
	{ KVM_GET_IRQCHIP, VM, build_irqchip, 1 },
	{ KVM_SET_IRQCHIP, VM, build_irqchip, 3, .get = KVM_GET_IRQCHIP },
	{ KVM_SET_GSI_ROUTING, VM, build_routing, 4 },
	{ KVM_IRQ_LINE, VM, build_irq_level, 6 },
	{ KVM_IRQ_LINE_STATUS, VM, build_irq_level, 3 },
	{ KVM_SIGNAL_MSI, VM, build_msi, 5 },
	{ KVM_IRQFD, VM, build_irqfd, 5 },
	{ KVM_IOEVENTFD, VM, build_ioeventfd, 5 },
	{ KVM_SET_TSS_ADDR, VM, .scalar = true, .weight = 1 },
	{ KVM_SET_IDENTITY_MAP_ADDR, VM, .weight = 1 },
	{ KVM_SET_BOOT_CPU_ID, VM, .scalar = true, .weight = 1 },
	{ KVM_GET_CLOCK, VM, .weight = 1 },
	{ KVM_SET_CLOCK, VM, .weight = 1, .get = KVM_GET_CLOCK },

	{ KVM_RUN, VCPU, .weight = 30 },
	{ KVM_GET_REGS, VCPU, .weight = 1 },
	{ KVM_SET_REGS, VCPU, .weight = 4, .get = KVM_GET_REGS },
	{ KVM_GET_SREGS, VCPU, .weight = 1 },
	{ KVM_SET_SREGS, VCPU, .weight = 8, .get = KVM_GET_SREGS },
	{ KVM_GET_SREGS2, VCPU, .weight = 1 },
	{ KVM_SET_SREGS2, VCPU, .weight = 4, .get = KVM_GET_SREGS2 },
	{ KVM_GET_FPU, VCPU, .weight = 1 },
	{ KVM_SET_FPU, VCPU, .weight = 2, .get = KVM_GET_FPU },
	{ KVM_GET_XSAVE, VCPU, .weight = 1 },
	{ KVM_SET_XSAVE, VCPU, .weight = 3, .get = KVM_GET_XSAVE },
	{ KVM_GET_XSAVE2, VCPU, .weight = 1 },
	{ KVM_GET_XCRS, VCPU, .weight = 1 },
	{ KVM_SET_XCRS, VCPU, .weight = 3, .get = KVM_GET_XCRS },
	{ KVM_GET_MSRS, VCPU, build_msrs, 3 },
	{ KVM_SET_MSRS, VCPU, build_msrs, 6 },
	{ KVM_GET_CPUID2, VCPU, build_cpuid, 1 },
	{ KVM_SET_CPUID2, VCPU, build_cpuid, 3 },
	{ KVM_GET_VCPU_EVENTS, VCPU, .weight = 1 },
	{ KVM_SET_VCPU_EVENTS, VCPU, .weight = 6, .get = KVM_GET_VCPU_EVENTS },
	{ KVM_GET_DEBUGREGS, VCPU, .weight = 1 },
	{ KVM_SET_DEBUGREGS, VCPU, .weight = 2, .get = KVM_GET_DEBUGREGS },
	{ KVM_GET_MP_STATE, VCPU, .weight = 1 },
	{ KVM_SET_MP_STATE, VCPU, .weight = 3, .get = KVM_GET_MP_STATE },
	{ KVM_INTERRUPT, VCPU, build_interrupt, 4 },
	{ KVM_NMI, VCPU, .scalar = true, .weight = 3 },
	{ KVM_SET_GUEST_DEBUG, VCPU, .weight = 3 },
	{ KVM_TRANSLATE, VCPU, .weight = 2 },
	{ KVM_SET_SIGNAL_MASK, VCPU, build_signal_mask, 1 },
	{ KVM_GET_TSC_KHZ, VCPU, .scalar = true, .weight = 1 },
	{ KVM_SET_TSC_KHZ, VCPU, .scalar = true, .weight = 1 },
	{ KVM_GET_LAPIC, VCPU, .weight = 1 },
	{ KVM_SET_LAPIC, VCPU, .weight = 4, .get = KVM_GET_LAPIC },
	{ KVM_SET_VAPIC_ADDR, VCPU, .weight = 1 },
	{ KVM_TPR_ACCESS_REPORTING, VCPU, .weight = 1 },
	{ KVM_ENABLE_CAP, VCPU, build_cap, 1 },
	{ KVM_KVMCLOCK_CTRL, VCPU, .scalar = true, .weight = 1 },
};

static const struct call *pick_call(struct worker *w)
{
	static unsigned int total;
	unsigned int i, r;

	if (!total) {
		for (i = 0; i < ARRAY_SIZE(calls); i++)
			total += calls[i].weight;
	}
	r = below(w, total);
	for (i = 0; r >= calls[i].weight; i++)
		r -= calls[i].weight;
	return &calls[i];
}

static int target_fd(struct worker *w, enum target which, unsigned int *vm,
		     unsigned int *vcpu)
{
	*vm = below(w, VMS);
	*vcpu = below(w, VCPUS);
	switch (which) {
	case DEVICE:
		return g.device;
	case VM:
		return g.vm[*vm];
	default:
		return g.vcpu[*vm][*vcpu];
	}
}

static void scribble(struct worker *w, size_t size)
{
	unsigned int i, n = 1 + below(w, 8);

	for (i = 0; i < n && size >= 8; i++) {
		uint64_t value = number(w);
		size_t width = 1 << below(w, 4);
		size_t at = below(w, size / width) * width;

		memcpy(w->arg + at, &value, width);
	}
}

static void one_call(struct worker *w)
{
	const struct call *c = pick_call(w);
	unsigned int vm, vcpu;
	int fd = target_fd(w, c->target, &vm, &vcpu);
	size_t size = _IOC_SIZE(c->cmd);
	unsigned long arg = (uintptr_t)w->arg, cmd = c->cmd;
	int r;

	/* Sometimes another fd, another size or direction, or nonsense. */
	if (chance(w, 2))
		fd = target_fd(w, below(w, 3), &vm, &vcpu);
	if (chance(w, 2))
		cmd ^= 1UL << below(w, 32);
	else if (chance(w, 1))
		cmd = _IOC(below(w, 4), KVMIO, below(w, 256), below(w, 512));
	if (size > ARG_SIZE)
		size = ARG_SIZE;
	if (c->cmd == KVM_RUN) {
		struct kvm_run *run = g.run[vm][vcpu];

		run->immediate_exit = chance(w, 40);
		run->request_interrupt_window = chance(w, 20);
		run->cr8 = chance(w, 90) ? 0 : number(w);
		if (chance(w, 5)) {
			run->kvm_valid_regs = chance(w, 80) ? below(w, 8) : number(w);
			run->kvm_dirty_regs = chance(w, 80) ? below(w, 8) : number(w);
		}
		/* The kernel must not trust what it finds in here either. */
		if (chance(w, 10))
			((uint8_t *)run)[below(w, g.run_size)] = rnd(w);
		arg = chance(w, 98) ? 0 : number(w);
	} else if (c->scalar) {
		arg = chance(w, 60) ? below(w, 256) : number(w);
	} else {
		if (c->build)
			c->build(w);
		else if (c->get)
			ioctl(fd, c->get, w->arg);
		else if (chance(w, 50))
			memset(w->arg, 0, size);
		if (c->get && c->build)
			ioctl(fd, c->get, w->arg);
		if (!c->build && chance(w, c->get ? 70 : 50))
			scribble(w, size ? size : 64);
		else if (chance(w, 5))
			scribble(w, size ? size : 64);
		if (chance(w, 2))
			arg = arena_address(w);
		/* An argument that ends where memory does. */
		if (chance(w, 2))
			arg = (uintptr_t)w->arg + ARG_SIZE - below(w, 256);
	}
	r = ioctl(fd, cmd, arg);
	__atomic_add_fetch(&g.done, 1, __ATOMIC_RELAXED);
	if (r >= 0)
		__atomic_add_fetch(&g.succeeded, 1, __ATOMIC_RELAXED);
}

/*
 * What a process does with the memory its guests run in. One thread at a time:
 * who has just mapped a page writes to it, and must find it there.
 */
static void disturb_memory(struct worker *w)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	uint8_t *p = g.arena + below(w, ARENA / PAGE) * PAGE;
	size_t len = (1 + below(w, 64)) * PAGE;
	int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	if (p + len > g.arena + ARENA)
		len = g.arena + ARENA - p;
	pthread_mutex_lock(&one);
	switch (below(w, 8)) {
	case 0:
		madvise(p, len, MADV_DONTNEED);
		break;
	case 1:
		mprotect(p, len, below(w, 4));
		break;
	case 2:
		munmap(p, len);
		break;
	case 3:
	case 4:
		if (mmap(p, len, PROT_READ | PROT_WRITE, fixed, -1, 0) == p)
			memset(p, rnd(w), below(w, 4) * PAGE < len ? PAGE : len);
		break;
	case 5:
		madvise(p, len, MADV_HUGEPAGE);
		break;
	case 6:
		madvise(p, len, MADV_FREE);
		break;
	default:
		/* New code for the guests: random bytes. */
		if (mmap(p, PAGE, PROT_READ | PROT_WRITE, fixed, -1, 0) == p) {
			for (len = 0; len < PAGE; len += 8)
				*(uint64_t *)(p + len) = rnd(w);
		}
	}
	pthread_mutex_unlock(&one);
}

/* Close a vCPU, or a whole VM, and make it anew. */
static void make_vcpu(unsigned int vm, unsigned int i)
{
	int fd = ioctl(g.vm[vm], KVM_CREATE_VCPU, i);
	void *p;

	if (fd < 0)
		return;
	p = mmap(g.run[vm][i], g.run_size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED) {
		close(fd);
		return;
	}
	dup3(fd, g.vcpu[vm][i], O_CLOEXEC);
	close(fd);
}

static void make_vm(struct worker *w, unsigned int vm)
{
	struct kvm_userspace_memory_region r = {
		.memory_size = 256 * PAGE,
		.userspace_addr = (uintptr_t)g.arena,
	};
	int fd = ioctl(g.device, KVM_CREATE_VM, 0);
	unsigned int i;

	if (fd < 0)
		return;
	/* The descriptor's number stays, so that no thread needs a lock. */
	dup3(fd, g.vm[vm], O_CLOEXEC);
	close(fd);
	ioctl(g.vm[vm], KVM_SET_TSS_ADDR, 0xfffbd000UL);
	ioctl(g.vm[vm], KVM_SET_USER_MEMORY_REGION, &r);
	if (chance(w, 50))
		ioctl(g.vm[vm], KVM_CREATE_IRQCHIP, 0);
	for (i = 0; i < VCPUS; i++) {
		if (chance(w, 90))
			make_vcpu(vm, i);
	}
	__atomic_add_fetch(&g.restarts, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	while (__atomic_load_n(&g.done, __ATOMIC_RELAXED) < count) {
		w->heartbeat++;
		if (chance(w, 3))
			disturb_memory(w);
		if (below(w, 400) == 0)
			make_vm(w, below(w, VMS));
		if (chance(w, 1))
			(void)!write(g.event[below(w, 4)], &(uint64_t){ 1 }, 8);
		one_call(w);
	}
	return NULL;
}

/*
 * Every few milliseconds a signal for each thread: it ends RUNs, at any
 * moment. A thread whose heart does not beat for long hangs in the kernel.
 */
static bool watch(struct worker *w)
{
	unsigned long last[16] = { 0 };
	uint64_t beat[16], told = now_ns();
	unsigned int i, left;

	for (i = 0; i < threads; i++)
		beat[i] = now_ns();
	do {
		sleep_ms(3);
		if (now_ns() - told > 10000000000ULL) {
			told = now_ns();
			diag("%lu calls so far", g.done);
		}
		left = 0;
		for (i = 0; i < threads; i++) {
			if (w[i].thread && !pthread_tryjoin_np(w[i].thread, NULL))
				w[i].thread = 0;
			if (!w[i].thread)
				continue;
			left++;
			pthread_kill(w[i].thread, SIGUSR1);
			if (w[i].heartbeat != last[i]) {
				last[i] = w[i].heartbeat;
				beat[i] = now_ns();
			} else if (now_ns() - beat[i] > 30000000000ULL) {
				diag("thread %u hangs", i);
				return false;
			}
		}
	} while (left);
	return true;
}

static void setup(struct worker *w)
{
	unsigned int i, k;
	int null = OK(open("/dev/null", O_RDWR | O_CLOEXEC));

	g.device = kvm_open();
	g.run_size = OK(ioctl(g.device, KVM_GET_VCPU_MMAP_SIZE, 0));
	g.arena = mem_alloc(ARENA);
	for (i = 0; i < ARENA; i += 8)
		*(uint64_t *)(g.arena + i) = i & PAGE ? rnd(w) : 0xf4f4f4f4f4f4f4f4;
	for (i = 0; i < 4; i++)
		g.event[i] = OK(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	for (i = 0; i < VMS; i++) {
		g.vm[i] = OK(dup(null));
		for (k = 0; k < VCPUS; k++) {
			g.vcpu[i][k] = OK(dup(null));
			g.run[i][k] = mem_alloc(g.run_size);
		}
	}
	for (i = 0; i < VMS; i++)
		make_vm(w, i);
}

static int fuzz(void)
{
	struct worker w[16] = { };
	unsigned int i;
	bool alive;

	catch_signal(SIGUSR1);
	for (i = 0; i < threads; i++) {
		w[i].index = i;
		w[i].state = seed * 0x9e3779b97f4a7c15ULL + i + 1;
		/* A page without access ends each argument. */
		w[i].arg = mem_alloc(ARG_SIZE + PAGE);
		mprotect(w[i].arg + ARG_SIZE, PAGE, PROT_NONE);
	}
	setup(&w[0]);
	for (i = 0; i < threads; i++)
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	alive = watch(w);
	diag("%lu calls, %lu succeeded, %lu VMs", g.done, g.succeeded,
	     g.restarts);
	return alive && g.succeeded > g.done / 20 ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "threads", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },
		{ }
	};
	pid_t pid;
	int c, status;

	if (getenv("KVMLITE_DEV"))
		device = getenv("KVMLITE_DEV");
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (c) {
		case 'd':
			device = optarg;
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			count = strtoul(optarg, NULL, 0);
			break;
		case 't':
			threads = strtoul(optarg, NULL, 0);
			break;
		case 'l':
			limit = strtoul(optarg, NULL, 0);
			break;
		default:
			fprintf(stderr, "usage: %s [--device PATH] [--seed N] [--count N] ",
				argv[0]);
			fprintf(stderr, "[--threads N] [--limit SECONDS]\n");
			return 2;
		}
	}
	if (threads < 1 || threads > 16)
		threads = 3;
	printf("TAP version 13\n1..1\n");
	if (access(device, R_OK | W_OK)) {
		printf("ok 1 # SKIP %s: %s\n", device, strerror(errno));
		return 4;
	}
	printf("# seed %lu, %lu calls, %u threads\n", seed, count, threads);
	fflush(stdout);
	/*
	 * In a child: the fuzzer may harm its own memory (a descriptor's
	 * number reused, a stray argument), which is no fault of the kernel.
	 */
	pid = fork();
	if (!pid) {
		test_init();
		alarm(limit);
		_exit(fuzz());
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		perror("fork");
		return 1;
	}
	if (WIFSIGNALED(status))
		printf("# killed by signal %d\n", WTERMSIG(status));
	printf("%s 1 ioctl_fuzz seed %lu\n", status ? "not ok" : "ok", seed);
	return status ? 1 : 0;
}
