// SPDX-License-Identifier: GPL-2.0
/*
 * The vCPU object: creation, its file, loading it on a CPU, and the calls.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvm_uapi.h"

#include "host.h"
#include "irqchip/irqchip.h"
#include "cpuid.h"
#include "dirty_ring.h"
#include "mmio.h"
#include "msr_filter.h"
#include "pv.h"
#include "regs.h"
#include "state.h"
#include "stats.h"
#include "tsc.h"
#include "vendor.h"
#include "vm.h"

/* ---- loading ---- */

static __always_inline void kl_arrive(struct kl_vcpu *vcpu, int cpu)
{
	WRITE_ONCE(vcpu->cpu, cpu);
	kl_host_vcpu_switch(vcpu);
	static_call(kl_vendor_load)(vcpu, cpu);
	kl_tsc_load(vcpu);
	__this_cpu_write(kl_running_vcpu, vcpu);
	if (vcpu->apic)
		kl_lapic_load(vcpu);
	if (kl_pv_steal_changed(vcpu->pv))
		kl_request(vcpu, KL_REQ_STEAL);
}

static __always_inline void kl_depart(struct kl_vcpu *vcpu)
{
	static_call(kl_vendor_put)(vcpu);
	kl_tsc_put(vcpu);
	__this_cpu_write(kl_running_vcpu, NULL);
	WRITE_ONCE(vcpu->cpu, -1);
}

static void kl_sched_in(struct preempt_notifier *pn, int cpu)
{
	kl_arrive(container_of(pn, struct kl_vcpu, preempt_notifier), cpu);
}

static void kl_sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	kl_depart(container_of(pn, struct kl_vcpu, preempt_notifier));
}

static struct preempt_ops kl_preempt_ops = {
	.sched_in = kl_sched_in,
	.sched_out = kl_sched_out,
};

/*
 * Make this vCPU the one whose state this CPU holds; its mutex is held. The
 * preempt notifier has the state follow the thread to whatever CPU it runs on
 * until kl_vcpu_put().
 */
static void kl_vcpu_load(struct kl_vcpu *vcpu)
{
	int cpu = get_cpu();

	preempt_notifier_register(&vcpu->preempt_notifier);
	kl_arrive(vcpu, cpu);
	put_cpu();
}

static void kl_vcpu_put(struct kl_vcpu *vcpu)
{
	preempt_disable();
	kl_depart(vcpu);
	preempt_notifier_unregister(&vcpu->preempt_notifier);
	preempt_enable();
}

/* ---- creation ---- */

/**
 * kl_vcpu_reset - bring a vCPU to its power-up or INIT state
 * @vcpu: the vCPU, loaded
 * @init_event: INIT: memory-type, FPU and most MSRs survive it
 *
 * SDM vol. 3, table 10-1.
 */
void kl_vcpu_reset(struct kl_vcpu *vcpu, bool init_event)
{
	struct kvm_cpuid_entry2 *e;
	unsigned long cr0 = X86_CR0_NW | X86_CR0_CD | X86_CR0_ET;
	int i;

	if (init_event)
		cr0 = (kl_cr0(vcpu) & (X86_CR0_NW | X86_CR0_CD)) | X86_CR0_ET;

	kl_lapic_reset(vcpu, init_event);
	kl_pv_reset(vcpu);

	memset(&vcpu->events.exception, 0, sizeof(vcpu->events.exception));
	memset(&vcpu->events.interrupt, 0, sizeof(vcpu->events.interrupt));
	vcpu->events.nmi_injected = false;
	vcpu->events.nmi_pending = 0;
	atomic_set(&vcpu->events.nmi_queued, 0);
	vcpu->user_irq = -1;

	memset(vcpu->db, 0, sizeof(vcpu->db));
	vcpu->dr6 = DR6_RESERVED;
	vcpu->dr7 = KL_DR7_FIXED;
	vcpu->cr2 = 0;
	vcpu->cr8 = 0;

	kl_fpu_reset(vcpu, init_event);
	if (!init_event) {
		vcpu->xcr0 = XFEATURE_MASK_FP;
		vcpu->xss = 0;
		kl_msr_reset(vcpu);
	}

	for (i = KL_REG_RAX; i <= KL_REG_R15; i++)
		vcpu->regs[i] = 0;
	e = kl_cpuid_find(vcpu, 1, 0);
	vcpu->regs[KL_REG_RDX] = e ? e->eax : 0x600;
	vcpu->regs_avail = ~0;
	vcpu->regs_dirty = ~0;

	kl_ops->vcpu_reset(vcpu, init_event);

	kl_rflags_write(vcpu, X86_EFLAGS_FIXED);
	kl_rip_write(vcpu, 0xfff0);
	vcpu->efer = 0;
	kl_ops->set_cr0(vcpu, cr0);
	kl_ops->set_cr4(vcpu, 0);
	kl_ops->set_efer(vcpu, 0);
	vcpu->regs[KL_REG_CR3] = 0;
	kl_reg_mark_dirty(vcpu, KL_REG_CR3);
	kl_ops->set_cr3(vcpu, 0);
	kl_update_debug(vcpu);
	kl_ops->update_exception_bitmap(vcpu);
	kl_request(vcpu, KL_REQ_TLB_FLUSH);
	kl_request(vcpu, KL_REQ_EVENT);
}

static void kl_vcpu_free_run(struct kl_vcpu *vcpu)
{
	struct page *page = virt_to_page(vcpu->run);
	int i;

	/* User mappings hold references of their own on these pages. */
	for (i = 0; i < 1 << KL_OWN_RUN_ORDER; i++)
		put_page(page + i);
}

static struct kl_vcpu *kl_vcpu_create(struct kl_vm *vm, u32 id)
{
	struct kl_vcpu *vcpu;
	struct page *pages;
	int ret;

	vcpu = kzalloc(kl_ops->vcpu_size, GFP_KERNEL_ACCOUNT);
	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	vcpu->last_cpu = -1;
	vcpu->user_irq = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->preempt_notifier, &kl_preempt_ops);
	vcpu->regs_avail = ~0;

	/* Mapped to user space page by page; never as one compound page. */
	pages = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, KL_OWN_RUN_ORDER);
	if (!pages) {
		ret = -ENOMEM;
		goto err_free;
	}
	split_page(pages, KL_OWN_RUN_ORDER);
	vcpu->run = page_address(pages);
	vcpu->pio_data = (void *)vcpu->run + KL_PIO_PAGE_OFFSET * PAGE_SIZE;

	ret = kl_fpu_alloc(vcpu);
	if (ret)
		goto err_run;
	ret = kl_mmio_alloc(vcpu);
	if (ret)
		goto err_fpu;
	ret = kl_msr_alloc(vcpu);
	if (ret)
		goto err_mmio;
	ret = kl_pv_vcpu_init(vcpu);
	if (ret)
		goto err_msr;
	kl_cpuid_vcpu_init(vcpu);
	ret = kl_ops->vcpu_init(vcpu);
	if (ret)
		goto err_pv;
	ret = kl_lapic_create(vcpu);
	if (ret)
		goto err_vendor;
	ret = kl_dirty_ring_create(vcpu);
	if (ret)
		goto err_lapic;

	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	if (kl_irqchip_in_kernel(vm) && id != vm->bsp_id)
		vcpu->mp_state = KVM_MP_STATE_UNINITIALIZED;

	kl_vcpu_load(vcpu);
	kl_tsc_vcpu_init(vcpu);
	kl_vcpu_reset(vcpu, false);
	kl_ops->set_tdp_root(vcpu, vm->mmu.root);
	kl_vcpu_put(vcpu);
	return vcpu;

err_lapic:
	kl_lapic_free(vcpu);
err_vendor:
	kl_ops->vcpu_free(vcpu);
err_pv:
	kl_pv_vcpu_free(vcpu);
err_msr:
	kl_msr_free(vcpu);
err_mmio:
	kl_mmio_free(vcpu);
err_fpu:
	kl_fpu_free(vcpu);
err_run:
	kl_vcpu_free_run(vcpu);
err_free:
	kfree(vcpu);
	return ERR_PTR(ret);
}

void kl_vcpu_free(struct kl_vcpu *vcpu)
{
	kl_dirty_ring_free(vcpu);
	kl_lapic_free(vcpu);
	kl_ops->vcpu_free(vcpu);
	kl_pv_vcpu_free(vcpu);
	kl_msr_free(vcpu);
	kl_mmio_free(vcpu);
	kl_fpu_free(vcpu);
	kl_cpuid_vcpu_free(vcpu);
	kl_vcpu_free_run(vcpu);
	put_pid(rcu_dereference_protected(vcpu->pid, true));
	kfree(vcpu);
}

/* ---- the file ---- */

static vm_fault_t kl_vcpu_mmap_fault(struct vm_fault *vmf)
{
	struct kl_vcpu *vcpu = vmf->vma->vm_file->private_data;
	unsigned long ring = vmf->pgoff - KVM_DIRTY_LOG_PAGE_OFFSET;

	if (ring < kl_dirty_ring_pages(vcpu))
		vmf->page = kl_dirty_ring_page(vcpu, ring);
	else if (vmf->pgoff >= KL_RUN_PAGES)
		return VM_FAULT_SIGBUS;
	else if (vmf->pgoff == KL_COALESCED_PAGE_OFFSET)
		vmf->page = kl_coalesced_page(vcpu->vm);
	else
		vmf->page = virt_to_page((void *)vcpu->run + vmf->pgoff * PAGE_SIZE);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct kl_vcpu_vm_ops = {
	.fault = kl_vcpu_mmap_fault,
};

static int kl_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kl_vcpu *vcpu = file->private_data;
	unsigned long first = vma->vm_pgoff, n = vma_pages(vma);

	if (first >= KVM_DIRTY_LOG_PAGE_OFFSET) {
		/* What both sides write is of no use as a copy. */
		if (first - KVM_DIRTY_LOG_PAGE_OFFSET + n > kl_dirty_ring_pages(vcpu) ||
		    !(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
			return -EINVAL;
	} else if (first + n > KL_RUN_PAGES) {
		return -EINVAL;
	}
	vma->vm_ops = &kl_vcpu_vm_ops;
	return 0;
}

static long kl_vcpu_set_signal_mask(struct kl_vcpu *vcpu,
				    struct kvm_signal_mask __user *user)
{
	struct kvm_signal_mask head;
	sigset_t set;

	if (!user) {
		vcpu->sigset_active = false;
		return 0;
	}
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.len != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, user->sigset, sizeof(set)))
		return -EFAULT;
	sigdelsetmask(&set, sigmask(SIGKILL) | sigmask(SIGSTOP));
	vcpu->sigset = set;
	vcpu->sigset_active = true;
	return 0;
}

static long kl_vcpu_interrupt(struct kl_vcpu *vcpu,
			      struct kvm_interrupt __user *user)
{
	struct kvm_interrupt irq;

	if (copy_from_user(&irq, user, sizeof(irq)))
		return -EFAULT;
	if (irq.irq > 255)
		return -EINVAL;
	if (READ_ONCE(vcpu->vm->irqchip_mode) == KL_IRQCHIP_KERNEL)
		return -ENXIO;
	if (vcpu->user_irq >= 0)
		return -EEXIST;
	vcpu->user_irq = irq.irq;
	kl_request(vcpu, KL_REQ_EVENT);
	return 0;
}

static long kl_vcpu_enable_cap(struct kl_vcpu *vcpu,
			       struct kvm_enable_cap __user *user)
{
	struct kvm_enable_cap cap;

	if (copy_from_user(&cap, user, sizeof(cap)))
		return -EFAULT;
	if (cap.flags || cap.cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	vcpu->pv->enforced = cap.args[0];
	return 0;
}

static long kl_vcpu_prefault(struct kl_vcpu *vcpu, void __user *argp)
{
	struct kvm_pre_fault_memory range;
	long ret;

	if (copy_from_user(&range, argp, sizeof(range)))
		return -EFAULT;
	ret = kl_mmu_prefault(vcpu, &range);
	/* What is left of it, whatever the outcome. */
	return copy_to_user(argp, &range, sizeof(range)) ? -EFAULT : ret;
}

static long kl_vcpu_dispatch(struct kl_vcpu *vcpu, unsigned int ioctl,
			     unsigned long arg)
{
	void __user *argp = (void __user *)arg;
	long ret;

	switch (ioctl) {
	case KVM_INTERRUPT:
		return kl_vcpu_interrupt(vcpu, argp);
	case KVM_NMI:
		kl_inject_nmi(vcpu);
		return 0;
	case KVM_SMI:
		return -ENOTTY;
	case KVM_SET_SIGNAL_MASK:
		return kl_vcpu_set_signal_mask(vcpu, argp);
	case KVM_ENABLE_CAP:
		return kl_vcpu_enable_cap(vcpu, argp);
	case KVM_SET_TSC_KHZ:
	case KVM_GET_TSC_KHZ:
		return kl_tsc_vcpu_ioctl(vcpu, ioctl, arg);
	case KVM_KVMCLOCK_CTRL:
		return kl_pv_vcpu_ioctl(vcpu, ioctl, argp);
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_SET_DEVICE_ATTR:
		return kl_tsc_device_attr(vcpu, ioctl, argp);
	case KVM_PRE_FAULT_MEMORY:
		return kl_vcpu_prefault(vcpu, argp);
	case KVM_GET_STATS_FD:
		return kl_stats_fd(vcpu->vm, vcpu);
	}
	ret = kl_state_vcpu_ioctl(vcpu, ioctl, argp);
	if (ret == -ENOIOCTLCMD)
		ret = kl_irqchip_vcpu_ioctl(vcpu, ioctl, argp);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}

/* The thread that runs the vCPU, for directed yields and for debugging. */
static void kl_vcpu_note_thread(struct kl_vcpu *vcpu)
{
	struct pid *old = rcu_dereference_protected(vcpu->pid,
					lockdep_is_held(&vcpu->mutex));

	if (likely(old == task_pid(current)))
		return;
	rcu_assign_pointer(vcpu->pid, get_task_pid(current, PIDTYPE_PID));
	kl_pv_new_thread(vcpu);
	if (old) {
		synchronize_rcu();
		put_pid(old);
	}
}

static long kl_vcpu_call_run(struct kl_vcpu *vcpu, unsigned long arg)
{
	long ret;

	if (arg)
		return -EINVAL;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	kl_vcpu_note_thread(vcpu);
	kl_vcpu_load(vcpu);
	ret = kl_vcpu_run(vcpu);
	kl_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static noinline long kl_vcpu_call(struct kl_vcpu *vcpu, unsigned int ioctl,
				  unsigned long arg)
{
	long ret;
	int idx;

	/* Not ours: say so before waiting for a vCPU that may be running. */
	if (unlikely(_IOC_TYPE(ioctl) != KVMIO))
		return -ENOTTY;
	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	kl_vcpu_load(vcpu);
	idx = srcu_read_lock(&vcpu->vm->srcu);
	ret = kl_vcpu_dispatch(vcpu, ioctl, arg);
	srcu_read_unlock(&vcpu->vm->srcu, idx);
	kl_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static long kl_vcpu_ioctl(struct file *file, unsigned int ioctl,
			  unsigned long arg)
{
	struct kl_vcpu *vcpu = file->private_data;

	if (vcpu->vm->mm != current->mm || READ_ONCE(vcpu->vm->dead))
		return -EIO;
	if (likely(ioctl == KVM_RUN))
		return kl_vcpu_call_run(vcpu, arg);
	return kl_vcpu_call(vcpu, ioctl, arg);
}

static int kl_vcpu_release(struct inode *inode, struct file *file)
{
	struct kl_vcpu *vcpu = file->private_data;

	kl_vm_put(vcpu->vm);
	return 0;
}

static const struct file_operations kl_vcpu_fops = {
	.owner = THIS_MODULE,
	.release = kl_vcpu_release,
	.unlocked_ioctl = kl_vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = kl_vcpu_mmap,
	.llseek = noop_llseek,
};

int kl_vcpu_create_fd(struct kl_vm *vm, unsigned long id)
{
	struct kl_vcpu *vcpu;
	struct file *file;
	char name[24];
	int fd, ret, idx;

	if (id >= KL_MAX_VCPU_ID)
		return -EINVAL;

	mutex_lock(&vm->lock);
	ret = -EINVAL;
	if (vm->nr_vcpus >= KL_MAX_VCPUS || id >= vm->max_vcpu_id)
		goto err_unlock;
	ret = -EEXIST;
	if (kl_vcpu_by_id(vm, id))
		goto err_unlock;

	fd = get_unused_fd_flags(O_CLOEXEC);
	ret = fd;
	if (fd < 0)
		goto err_unlock;
	/* Room first, so that nothing can fail once others see the vCPU. */
	ret = xa_reserve(&vm->vcpus, id, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto err_fd;
	/* The MSR filter is looked at. */
	idx = srcu_read_lock(&vm->srcu);
	vcpu = kl_vcpu_create(vm, id);
	srcu_read_unlock(&vm->srcu, idx);
	if (IS_ERR(vcpu)) {
		ret = PTR_ERR(vcpu);
		goto err_reserve;
	}
	vcpu->index = vm->nr_vcpus;
	snprintf(name, sizeof(name), "kvm-vcpu:%lu", id);
	kl_vm_get(vm);
	file = anon_inode_getfile(name, &kl_vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_vcpu;
	}

	kl_stats_add_vcpu(vcpu);
	/* Publishes a complete vCPU to kl_for_each_vcpu(). */
	xa_store(&vm->vcpus, id, vcpu, GFP_KERNEL_ACCOUNT);
	WRITE_ONCE(vm->nr_vcpus, vm->nr_vcpus + 1);
	mutex_unlock(&vm->lock);
	fd_install(fd, file);
	return fd;

err_vcpu:
	/* The caller's own reference keeps the VM. */
	kl_vm_put(vm);
	kl_vcpu_free(vcpu);
err_reserve:
	xa_release(&vm->vcpus, id);
err_fd:
	put_unused_fd(fd);
err_unlock:
	mutex_unlock(&vm->lock);
	return ret;
}
