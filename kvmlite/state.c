// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU's state as user space reads and writes it.
 */

#include <linux/kvm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/mce.h>

#include "kvm_uapi.h"

#include "cpuid.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "regs.h"
#include "sregs.h"
#include "state.h"
#include "vendor.h"
#include "vm.h"

/* ---- general registers ---- */

unsigned long kl_get_user_rflags(struct kl_vcpu *vcpu)
{
	unsigned long rflags = kl_rflags_read(vcpu);

	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags &= ~X86_EFLAGS_TF;
	return rflags;
}

void kl_set_user_rflags(struct kl_vcpu *vcpu, unsigned long rflags)
{
	if (vcpu->guest_debug & KVM_GUESTDBG_SINGLESTEP)
		rflags |= X86_EFLAGS_TF;
	kl_rflags_write(vcpu, rflags);
}

/* struct kvm_regs has them in this order, then RIP and RFLAGS. */
static const u8 kl_regs_order[] = {
	KL_REG_RAX, KL_REG_RBX, KL_REG_RCX, KL_REG_RDX,
	KL_REG_RSI, KL_REG_RDI, KL_REG_RSP, KL_REG_RBP,
	KL_REG_R8, KL_REG_R9, KL_REG_R10, KL_REG_R11,
	KL_REG_R12, KL_REG_R13, KL_REG_R14, KL_REG_R15,
};

static_assert(sizeof(struct kvm_regs) ==
	      (ARRAY_SIZE(kl_regs_order) + 2) * sizeof(u64));

static void kl_get_regs(struct kl_vcpu *vcpu, struct kvm_regs *r)
{
	u64 *reg = (u64 *)r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kl_regs_order); i++)
		reg[i] = kl_reg_read(vcpu, kl_regs_order[i]);
	r->rip = kl_rip_read(vcpu);
	r->rflags = kl_get_user_rflags(vcpu);
}

static void kl_set_regs(struct kl_vcpu *vcpu, const struct kvm_regs *r)
{
	const u64 *reg = (const u64 *)r;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kl_regs_order); i++)
		kl_reg_write(vcpu, kl_regs_order[i], reg[i]);
	kl_rip_write(vcpu, r->rip);
	vcpu->regs_replaced = true;
	kl_set_user_rflags(vcpu, r->rflags);
	/* Where user space puts the guest, what it was about to raise is moot. */
	vcpu->events.exception.pending = false;
	kl_request(vcpu, KL_REQ_EVENT);
}

/* ---- FPU ---- */

static void kl_get_fpu(struct kl_vcpu *vcpu, struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = kl_fpu_fxsave(vcpu);

	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, fx->st_space, sizeof(fpu->fpr));
	fpu->fcw = fx->cwd;
	fpu->fsw = fx->swd;
	fpu->ftwx = fx->twd;
	fpu->last_opcode = fx->fop;
	fpu->last_ip = fx->rip;
	fpu->last_dp = fx->rdp;
	memcpy(fpu->xmm, fx->xmm_space, sizeof(fx->xmm_space));
	fpu->mxcsr = fx->mxcsr;
}

static long kl_set_fpu(struct kl_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct fxregs_state *fx = kl_fpu_fxsave(vcpu);

	memcpy(fx->st_space, fpu->fpr, sizeof(fx->st_space));
	fx->cwd = fpu->fcw;
	fx->swd = fpu->fsw;
	fx->twd = fpu->ftwx;
	fx->fop = fpu->last_opcode;
	fx->rip = fpu->last_ip;
	fx->rdp = fpu->last_dp;
	memcpy(fx->xmm_space, fpu->xmm, sizeof(fx->xmm_space));
	/* Reserved bits of MXCSR would fault when the state is loaded. */
	fx->mxcsr = fpu->mxcsr & kl_host_mxcsr_mask();
	kl_fpu_mark_used(vcpu);
	return 0;
}

static long kl_get_xsave(struct kl_vcpu *vcpu, void __user *user, u32 size)
{
	void *buf;
	long ret;

	buf = kzalloc(size, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOMEM;
	kl_fpu_to_uabi(vcpu, buf, size);
	ret = copy_to_user(user, buf, size) ? -EFAULT : 0;
	kfree(buf);
	return ret;
}

static u32 kl_xsave2_size(void)
{
	return max_t(u32, kl_host_xsave_size(kl_cpuid_supported_xcr0()),
		     sizeof(struct kvm_xsave));
}

static long kl_set_xsave(struct kl_vcpu *vcpu, void __user *user)
{
	u32 size = kl_xsave2_size();
	void *buf;
	long ret;

	buf = memdup_user(user, size);
	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = kl_fpu_from_uabi(vcpu, buf) ? -EINVAL : 0;
	kfree(buf);
	return ret;
}

static long kl_get_xcrs(struct kl_vcpu *vcpu, struct kvm_xcrs *xcrs)
{
	memset(xcrs, 0, sizeof(*xcrs));
	if (!kl_host_xcr0())
		return -EINVAL;
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].xcr = 0;
	xcrs->xcrs[0].value = vcpu->xcr0;
	return 0;
}

static long kl_set_xcrs(struct kl_vcpu *vcpu, const struct kvm_xcrs *xcrs)
{
	u32 i;

	if (!kl_host_xcr0() || xcrs->flags || xcrs->nr_xcrs > KVM_MAX_XCRS)
		return -EINVAL;
	for (i = 0; i < xcrs->nr_xcrs; i++) {
		if (xcrs->xcrs[i].xcr)
			continue;
		if (kl_set_xcr0(vcpu, 0, xcrs->xcrs[i].value))
			return -EINVAL;
		kl_cpuid_update_runtime(vcpu);
		break;
	}
	return 0;
}

/* ---- events ---- */

static void kl_get_events(struct kl_vcpu *vcpu, struct kvm_vcpu_events *ev)
{
	struct kl_events *e = &vcpu->events;
	struct kl_exception *ex = &e->exception;

	memset(ev, 0, sizeof(*ev));
	/*
	 * Without the payload capability user space knows one flag only, and
	 * a payload has to have had its effect by the time it looks.
	 */
	if (!vcpu->vm->exception_payload && ex->pending && ex->has_payload)
		kl_deliver_payload(vcpu, ex);
	if (vcpu->vm->exception_payload) {
		ev->exception.injected = ex->injected;
		ev->exception.pending = ex->pending;
		ev->flags |= KVM_VCPUEVENT_VALID_PAYLOAD;
	} else {
		ev->exception.injected = ex->injected || ex->pending;
	}
	ev->exception.nr = ex->vector;
	ev->exception.has_error_code = ex->has_error_code;
	ev->exception.error_code = ex->error_code;
	ev->exception_has_payload = ex->has_payload;
	ev->exception_payload = ex->payload;

	ev->interrupt.injected = e->interrupt.injected && !e->interrupt.soft;
	ev->interrupt.nr = e->interrupt.vector;
	if (!ev->interrupt.injected && vcpu->user_irq >= 0) {
		ev->interrupt.injected = 1;
		ev->interrupt.nr = vcpu->user_irq;
	}
	ev->interrupt.shadow = kl_ops->get_shadow(vcpu);

	ev->nmi.injected = e->nmi_injected;
	ev->nmi.pending = e->nmi_pending ||
			  atomic_read(&e->nmi_queued);
	ev->nmi.masked = kl_ops->get_nmi_mask(vcpu);

	ev->flags |= KVM_VCPUEVENT_VALID_NMI_PENDING |
		     KVM_VCPUEVENT_VALID_SHADOW;
	if (vcpu->vm->triple_fault_event) {
		ev->triple_fault.pending =
			kl_request_test(vcpu, KL_REQ_TRIPLE_FAULT);
		ev->flags |= KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	}
}

static long kl_set_events(struct kl_vcpu *vcpu, const struct kvm_vcpu_events *ev)
{
	struct kl_events *e = &vcpu->events;
	struct kl_exception *ex = &e->exception;
	bool pending, injected;

	if (ev->flags & ~(KVM_VCPUEVENT_VALID_NMI_PENDING |
			  KVM_VCPUEVENT_VALID_SIPI_VECTOR |
			  KVM_VCPUEVENT_VALID_SHADOW |
			  KVM_VCPUEVENT_VALID_PAYLOAD |
			  KVM_VCPUEVENT_VALID_TRIPLE_FAULT))
		return -EINVAL;
	if (ev->flags & KVM_VCPUEVENT_VALID_PAYLOAD) {
		if (!vcpu->vm->exception_payload)
			return -EINVAL;
		pending = ev->exception.pending;
		injected = ev->exception.injected && !pending;
	} else {
		pending = false;
		injected = ev->exception.injected;
	}
	if ((pending || injected) &&
	    (ev->exception.nr > 31 || ev->exception.nr == X86_TRAP_NMI))
		return -EINVAL;
	if ((ev->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) &&
	    !vcpu->vm->triple_fault_event)
		return -EINVAL;

	ex->injected = injected;
	ex->pending = pending;
	ex->vector = ev->exception.nr;
	ex->has_error_code = ev->exception.has_error_code;
	ex->error_code = ev->exception.error_code;
	ex->has_payload = pending && ev->exception_has_payload;
	ex->payload = ex->has_payload ? ev->exception_payload : 0;

	/*
	 * With the interrupt controllers in user space an injected interrupt
	 * is one that KVM_INTERRUPT gave: it waits for the guest's IF.
	 */
	e->interrupt.injected = false;
	vcpu->user_irq = -1;
	if (ev->interrupt.injected) {
		if (vcpu->apic) {
			e->interrupt.injected = true;
			e->interrupt.vector = ev->interrupt.nr;
			e->interrupt.soft = ev->interrupt.soft;
		} else {
			vcpu->user_irq = ev->interrupt.nr;
		}
	}
	if (ev->flags & KVM_VCPUEVENT_VALID_SHADOW)
		kl_ops->set_shadow(vcpu, ev->interrupt.shadow);

	e->nmi_injected = ev->nmi.injected;
	if (ev->flags & KVM_VCPUEVENT_VALID_NMI_PENDING) {
		e->nmi_pending = 0;
		atomic_set(&e->nmi_queued, ev->nmi.pending);
	}
	kl_ops->set_nmi_mask(vcpu, ev->nmi.masked);
	if (ev->flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		kl_lapic_set_sipi_vector(vcpu, ev->sipi_vector);

	if (ev->flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT) {
		if (ev->triple_fault.pending)
			kl_request(vcpu, KL_REQ_TRIPLE_FAULT);
		else
			kl_request_take(vcpu, KL_REQ_TRIPLE_FAULT);
	}
	kl_request(vcpu, KL_REQ_EVENT);
	return 0;
}

/* ---- debug registers ---- */

static void kl_get_debugregs(struct kl_vcpu *vcpu, struct kvm_debugregs *d)
{
	memset(d, 0, sizeof(*d));
	memcpy(d->db, vcpu->db, sizeof(d->db));
	d->dr6 = vcpu->dr6;
	d->dr7 = vcpu->dr7;
}

static long kl_set_debugregs(struct kl_vcpu *vcpu, const struct kvm_debugregs *d)
{
	if (d->flags || (d->dr6 >> 32) || (d->dr7 >> 32))
		return -EINVAL;
	memcpy(vcpu->db, d->db, sizeof(vcpu->db));
	kl_set_dr(vcpu, 6, d->dr6);
	kl_set_dr(vcpu, 7, d->dr7);
	return 0;
}

/* ---- MP state ---- */

static long kl_get_mp_state(struct kl_vcpu *vcpu, struct kvm_mp_state *mp)
{
	if (vcpu->apic && kl_lapic_has_init_sipi(vcpu)) {
		int ret = kl_lapic_process_init_sipi(vcpu);

		if (ret < 0)
			return ret;
	}
	mp->mp_state = vcpu->mp_state;
	return 0;
}

static long kl_set_mp_state(struct kl_vcpu *vcpu, const struct kvm_mp_state *mp)
{
	switch (mp->mp_state) {
	case KVM_MP_STATE_RUNNABLE:
		break;
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
	case KVM_MP_STATE_HALTED:
		/* Who but a LAPIC in the kernel could end that state? */
		if (!vcpu->apic)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	if (mp->mp_state == KVM_MP_STATE_SIPI_RECEIVED) {
		vcpu->mp_state = KVM_MP_STATE_INIT_RECEIVED;
		kl_lapic_latch_sipi(vcpu);
	} else {
		vcpu->mp_state = mp->mp_state;
	}
	kl_request(vcpu, KL_REQ_EVENT);
	return 0;
}

static long kl_translate(struct kl_vcpu *vcpu, struct kvm_translation *t)
{
	gpa_t gpa = 0;
	int ret;

	ret = kl_gva_to_gpa(vcpu, t->linear_address, 0, &gpa, NULL);
	t->valid = !ret;
	t->physical_address = ret ? KL_INVALID_GPA : gpa;
	t->writeable = 1;
	t->usermode = 0;
	memset(t->pad, 0, sizeof(t->pad));
	return 0;
}

/* ---- machine-check setup ---- */

static long kl_setup_mce(struct kl_vcpu *vcpu, u64 cap)
{
	unsigned int banks = cap & 0xff, i;

	if (!banks || banks > KL_MCE_BANKS ||
	    (cap & ~(KL_MCG_CAP_SUPPORTED | 0xffULL | 0xff0000ULL)))
		return -EINVAL;
	vcpu->mcg_cap = cap;
	if (cap & MCG_CTL_P)
		vcpu->mcg_ctl = ~0ULL;
	for (i = 0; i < banks; i++)
		vcpu->mce_banks[4 * i] = ~0ULL;
	return 0;
}

static long kl_set_mce(struct kl_vcpu *vcpu, const struct kvm_x86_mce *mce)
{
	unsigned int banks = vcpu->mcg_cap & 0xff;
	u64 *bank;

	if (mce->bank >= banks || !(mce->status & MCI_STATUS_VAL))
		return -EINVAL;
	bank = vcpu->mce_banks + 4 * array_index_nospec(mce->bank, banks);
	if (mce->status & MCI_STATUS_UC) {
		if ((vcpu->mcg_cap & MCG_CTL_P) && vcpu->mcg_ctl != ~0ULL)
			return 0;
		if (bank[0] != ~0ULL)
			return 0;
		/* A machine check in a machine check shuts the CPU down. */
		if ((vcpu->mcg_status & MCG_STATUS_MCIP) ||
		    !(kl_cr4(vcpu) & X86_CR4_MCE)) {
			kl_request(vcpu, KL_REQ_TRIPLE_FAULT);
			return 0;
		}
		bank[1] = mce->status |
			  (bank[1] & MCI_STATUS_VAL ? MCI_STATUS_OVER : 0);
		bank[2] = mce->addr;
		bank[3] = mce->misc;
		vcpu->mcg_status = mce->mcg_status;
		kl_queue_exception(vcpu, X86_TRAP_MC);
		return 0;
	}
	if (!(bank[1] & MCI_STATUS_VAL) || !(bank[1] & MCI_STATUS_UC)) {
		u64 status = mce->status;

		if (bank[1] & MCI_STATUS_VAL)
			status |= MCI_STATUS_OVER;
		bank[1] = status;
		bank[2] = mce->addr;
		bank[3] = mce->misc;
	} else {
		bank[1] |= MCI_STATUS_OVER;
	}
	return 0;
}

/* ---- synchronised registers of the run page ---- */

int kl_sync_regs_load(struct kl_vcpu *vcpu, u64 mask)
{
	struct kvm_sync_regs *s = &vcpu->run->s.regs;
	union {
		struct kvm_regs regs;
		struct kvm_sregs sregs;
		struct kvm_vcpu_events events;
	} *copy;
	int ret = 0;

	/* The page is shared: take each set once, then look at it. */
	copy = kmalloc(sizeof(*copy), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	if (mask & KVM_SYNC_X86_REGS) {
		memcpy(&copy->regs, &s->regs, sizeof(copy->regs));
		kl_set_regs(vcpu, &copy->regs);
	}
	if (mask & KVM_SYNC_X86_SREGS) {
		memcpy(&copy->sregs, &s->sregs, sizeof(copy->sregs));
		ret = kl_set_sregs(vcpu, &copy->sregs);
	}
	if (!ret && (mask & KVM_SYNC_X86_EVENTS)) {
		memcpy(&copy->events, &s->events, sizeof(copy->events));
		ret = kl_set_events(vcpu, &copy->events);
	}
	kfree(copy);
	return ret ? -EINVAL : 0;
}

void kl_sync_regs_store(struct kl_vcpu *vcpu, u64 mask)
{
	struct kvm_sync_regs *s = &vcpu->run->s.regs;

	if (mask & KVM_SYNC_X86_REGS)
		kl_get_regs(vcpu, &s->regs);
	if (mask & KVM_SYNC_X86_SREGS)
		kl_get_sregs(vcpu, &s->sregs);
	if (mask & KVM_SYNC_X86_EVENTS)
		kl_get_events(vcpu, &s->events);
}

/* ---- the calls ---- */

/*
 * Structs of up to a page that go in, out or both: copied whole, so that the
 * functions above see nothing that user space can still change.
 */
union kl_state_arg {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_sregs2 sregs2;
	struct kvm_fpu fpu;
	struct kvm_xcrs xcrs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
	struct kvm_translation translation;
	struct kvm_guest_debug debug;
	struct kvm_x86_mce mce;
	u64 mcg_cap;
};

static long kl_state_call(struct kl_vcpu *vcpu, unsigned int ioctl,
			  union kl_state_arg *a)
{
	switch (ioctl) {
	case KVM_GET_REGS:
		kl_get_regs(vcpu, &a->regs);
		return 0;
	case KVM_SET_REGS:
		kl_set_regs(vcpu, &a->regs);
		return 0;
	case KVM_GET_SREGS:
		kl_get_sregs(vcpu, &a->sregs);
		return 0;
	case KVM_SET_SREGS:
		return kl_set_sregs(vcpu, &a->sregs);
	case KVM_GET_SREGS2:
		kl_get_sregs2(vcpu, &a->sregs2);
		return 0;
	case KVM_SET_SREGS2:
		return kl_set_sregs2(vcpu, &a->sregs2);
	case KVM_GET_FPU:
		kl_get_fpu(vcpu, &a->fpu);
		return 0;
	case KVM_SET_FPU:
		return kl_set_fpu(vcpu, &a->fpu);
	case KVM_GET_XCRS:
		return kl_get_xcrs(vcpu, &a->xcrs);
	case KVM_SET_XCRS:
		return kl_set_xcrs(vcpu, &a->xcrs);
	case KVM_GET_VCPU_EVENTS:
		kl_get_events(vcpu, &a->events);
		return 0;
	case KVM_SET_VCPU_EVENTS:
		return kl_set_events(vcpu, &a->events);
	case KVM_GET_DEBUGREGS:
		kl_get_debugregs(vcpu, &a->debugregs);
		return 0;
	case KVM_SET_DEBUGREGS:
		return kl_set_debugregs(vcpu, &a->debugregs);
	case KVM_GET_MP_STATE:
		return kl_get_mp_state(vcpu, &a->mp_state);
	case KVM_SET_MP_STATE:
		return kl_set_mp_state(vcpu, &a->mp_state);
	case KVM_TRANSLATE:
		return kl_translate(vcpu, &a->translation);
	case KVM_SET_GUEST_DEBUG:
		return kl_set_guest_debug(vcpu, &a->debug);
	case KVM_X86_SETUP_MCE:
		return kl_setup_mce(vcpu, a->mcg_cap);
	case KVM_X86_SET_MCE:
		return kl_set_mce(vcpu, &a->mce);
	default:
		return -ENOIOCTLCMD;
	}
}

/* Before anything is copied: a call that is not there is ENOTTY, not EFAULT. */
static bool kl_state_has_call(unsigned int ioctl)
{
	static const unsigned int calls[] = {
		KVM_GET_REGS, KVM_SET_REGS, KVM_GET_SREGS, KVM_SET_SREGS,
		KVM_GET_SREGS2, KVM_SET_SREGS2, KVM_GET_FPU, KVM_SET_FPU,
		KVM_GET_XCRS, KVM_SET_XCRS, KVM_GET_VCPU_EVENTS,
		KVM_SET_VCPU_EVENTS, KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS,
		KVM_GET_MP_STATE, KVM_SET_MP_STATE, KVM_TRANSLATE,
		KVM_SET_GUEST_DEBUG, KVM_X86_SETUP_MCE, KVM_X86_SET_MCE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == ioctl)
			return true;
	return false;
}

long kl_state_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
			 void __user *argp)
{
	unsigned int size = _IOC_SIZE(ioctl);
	union kl_state_arg *a;
	long ret;

	switch (ioctl) {
	case KVM_GET_MSRS:
		return kl_msr_io(vcpu, argp, false);
	case KVM_SET_MSRS:
		return kl_msr_io(vcpu, argp, true);
	case KVM_SET_CPUID:
		return kl_cpuid_set_old(vcpu, argp);
	case KVM_SET_CPUID2:
		return kl_cpuid_set(vcpu, argp);
	case KVM_GET_CPUID2:
		return kl_cpuid_get(vcpu, argp);
	case KVM_GET_XSAVE:
		return kl_get_xsave(vcpu, argp, sizeof(struct kvm_xsave));
	case KVM_GET_XSAVE2:
		return kl_get_xsave(vcpu, argp, kl_xsave2_size());
	case KVM_SET_XSAVE:
		return kl_set_xsave(vcpu, argp);
	}

	if (!kl_state_has_call(ioctl))
		return -ENOIOCTLCMD;
	a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	if (!a)
		return -ENOMEM;
	ret = -EFAULT;
	/* Some of KVM's numbers for "get" say that they write only. */
	if ((_IOC_DIR(ioctl) & _IOC_WRITE) && copy_from_user(a, argp, size))
		goto out;
	ret = kl_state_call(vcpu, ioctl, a);
	if (!ret && (_IOC_DIR(ioctl) & _IOC_READ) && copy_to_user(argp, a, size))
		ret = -EFAULT;
out:
	kfree(a);
	return ret;
}
