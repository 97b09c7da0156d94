// SPDX-License-Identifier: GPL-2.0
/*
 * The VM object: its file, its life, the calls on it.
 */

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvm_uapi.h"

#include "host.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "pv.h"
#include "stats.h"
#include "tsc.h"
#include "vendor.h"
#include "vm.h"

static struct kl_vm *kl_vm_create(void)
{
	struct kl_vm *vm;
	int ret;

	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return ERR_PTR(-ENOMEM);
	kref_init(&vm->ref);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	xa_init(&vm->vcpus);
	spin_lock_init(&vm->tsc_lock);
	vm->max_vcpu_id = KL_MAX_VCPU_ID;
	vm->default_tsc_khz = kl_tsc_host_khz();
	vm->creator = task_pid_nr(current);
	vm->mm = current->mm;
	mmgrab(vm->mm);

	ret = init_srcu_struct(&vm->srcu);
	if (ret)
		goto err_mm;
	ret = kl_hardware_get();
	if (ret)
		goto err_srcu;
	ret = kl_irqchip_vm_init(vm);
	if (ret)
		goto err_hardware;
	/* Last: from here on the notifier may call. */
	ret = kl_mmu_init_vm(vm);
	if (ret)
		goto err_irqchip;
	kl_pv_vm_init(vm);
	kl_stats_add_vm(vm);
	return vm;

err_irqchip:
	kl_irqchip_vm_release(vm);
	kl_irqchip_vm_destroy(vm);
err_hardware:
	kl_hardware_put();
err_srcu:
	cleanup_srcu_struct(&vm->srcu);
err_mm:
	mmdrop(vm->mm);
	kfree(vm);
	return ERR_PTR(ret);
}

static void kl_vm_destroy(struct kref *ref)
{
	struct kl_vm *vm = container_of(ref, struct kl_vm, ref);
	struct kl_vcpu *vcpu;
	unsigned long i;

	kl_stats_del_vm(vm);
	kl_mmu_release_vm(vm);
	kl_irqchip_vm_stop(vm);
	kl_for_each_vcpu(i, vcpu, vm)
		kl_vcpu_free(vcpu);
	xa_destroy(&vm->vcpus);
	kl_irqchip_vm_destroy(vm);
	kl_mmu_destroy_vm(vm);
	kl_msr_filter_free(rcu_dereference_protected(vm->msr_filter, true));
	kl_host_forget_vm(vm);
	kl_hardware_put();
	cleanup_srcu_struct(&vm->srcu);
	mmdrop(vm->mm);
	kfree(vm);
}

void kl_vm_get(struct kl_vm *vm)
{
	kref_get(&vm->ref);
}

void kl_vm_put(struct kl_vm *vm)
{
	kref_put(&vm->ref, kl_vm_destroy);
}

void kl_vm_kill(struct kl_vm *vm)
{
	struct kl_vcpu *vcpu;
	unsigned long i;

	WRITE_ONCE(vm->dead, true);
	kl_for_each_vcpu(i, vcpu, vm) {
		kl_request(vcpu, KL_REQ_VM_DEAD);
		kl_vcpu_kick(vcpu);
	}
}

struct kl_vcpu *kl_vcpu_by_id(struct kl_vm *vm, u32 id)
{
	return xa_load(&vm->vcpus, id);
}

static long kl_vm_set_tss_addr(struct kl_vm *vm, unsigned long addr)
{
	/*
	 * Three pages that real-mode guests need on CPUs without unrestricted
	 * guest; kvmlite requires that, and only remembers where.
	 */
	if (addr > U32_MAX - 3 * PAGE_SIZE + 1)
		return -EINVAL;
	mutex_lock(&vm->lock);
	vm->tss_addr = addr;
	mutex_unlock(&vm->lock);
	return 0;
}

static long kl_vm_set_identity_map(struct kl_vm *vm, u64 __user *argp)
{
	u64 addr;
	long ret = 0;

	if (copy_from_user(&addr, argp, sizeof(addr)))
		return -EFAULT;
	mutex_lock(&vm->lock);
	if (vm->nr_vcpus)
		ret = -EINVAL;
	else
		vm->identity_map_addr = addr;
	mutex_unlock(&vm->lock);
	return ret;
}

static long kl_vm_enable_cap(struct kl_vm *vm, struct kvm_enable_cap __user *argp)
{
	struct kvm_enable_cap cap;
	long ret;

	if (copy_from_user(&cap, argp, sizeof(cap)))
		return -EFAULT;
	if (cap.flags)
		return -EINVAL;

	ret = kl_mmu_enable_cap(vm, &cap);
	if (ret != -ENOIOCTLCMD)
		return ret;
	ret = kl_irqchip_enable_cap(vm, &cap);
	if (ret != -ENOIOCTLCMD)
		return ret;

	mutex_lock(&vm->lock);
	ret = -EINVAL;
	switch (cap.cap) {
	case KVM_CAP_X86_USER_SPACE_MSR:
		if (cap.args[0] & ~KVM_MSR_EXIT_REASON_VALID_MASK)
			break;
		vm->user_msr_mask = cap.args[0];
		ret = 0;
		break;
	case KVM_CAP_MAX_VCPU_ID:
		if (!cap.args[0] || cap.args[0] > KL_MAX_VCPU_ID ||
		    cap.args[0] < vm->bsp_id || vm->nr_vcpus)
			break;
		if (vm->max_vcpu_id_set && vm->max_vcpu_id != cap.args[0])
			break;
		vm->max_vcpu_id = cap.args[0];
		vm->max_vcpu_id_set = true;
		ret = 0;
		break;
	case KVM_CAP_X86_DISABLE_EXITS:
		if (cap.args[0] & ~(u64)kl_disable_exits())
			break;
		WRITE_ONCE(vm->disabled_exits, vm->disabled_exits | cap.args[0]);
		ret = 0;
		break;
	case KVM_CAP_MSR_PLATFORM_INFO:
		vm->no_platform_info = !cap.args[0];
		ret = 0;
		break;
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		/* It always does. */
		if (cap.args[0] <= 1)
			ret = 0;
		break;
	case KVM_CAP_EXCEPTION_PAYLOAD:
		vm->exception_payload = cap.args[0];
		ret = 0;
		break;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		vm->triple_fault_event = cap.args[0];
		ret = 0;
		break;
	case KVM_CAP_DISABLE_QUIRKS2:
		if (cap.args[0] & ~(u64)KL_QUIRKS)
			break;
		fallthrough;
	case KVM_CAP_DISABLE_QUIRKS:
		vm->disabled_quirks = cap.args[0];
		ret = 0;
		break;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

static long kl_vm_ioctl(struct file *file, unsigned int ioctl,
			unsigned long arg)
{
	struct kl_vm *vm = file->private_data;
	void __user *argp = (void __user *)arg;
	long ret;

	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;

	switch (ioctl) {
	case KVM_CREATE_VCPU:
		return kl_vcpu_create_fd(vm, arg);
	case KVM_CHECK_EXTENSION:
		return kl_check_extension(vm, arg);
	case KVM_ENABLE_CAP:
		return kl_vm_enable_cap(vm, argp);
	case KVM_SET_TSS_ADDR:
		return kl_vm_set_tss_addr(vm, arg);
	case KVM_SET_IDENTITY_MAP_ADDR:
		return kl_vm_set_identity_map(vm, argp);
	case KVM_SET_TSC_KHZ:
	case KVM_GET_TSC_KHZ:
		return kl_tsc_vm_ioctl(vm, ioctl, arg);
	case KVM_GET_CLOCK:
	case KVM_SET_CLOCK:
		return kl_pv_vm_ioctl(vm, ioctl, argp);
	case KVM_X86_SET_MSR_FILTER:
		return kl_msr_filter_set(vm, argp);
	case KVM_GET_STATS_FD:
		return kl_stats_fd(vm, NULL);
	}
	ret = kl_mmu_vm_ioctl(vm, ioctl, argp);
	if (ret == -ENOIOCTLCMD)
		ret = kl_irqchip_vm_ioctl(vm, ioctl, argp);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}

#ifdef CONFIG_COMPAT
/* The one structure whose layout depends on the size of a pointer. */
static long kl_vm_compat_ioctl(struct file *file, unsigned int ioctl,
			       unsigned long arg)
{
	struct kl_vm *vm = file->private_data;

	if (ioctl != KL_SET_MSR_FILTER_COMPAT)
		return compat_ptr_ioctl(file, ioctl, arg);
	if (vm->mm != current->mm || READ_ONCE(vm->dead))
		return -EIO;
	return kl_msr_filter_set_compat(vm, compat_ptr(arg));
}
#else
#define kl_vm_compat_ioctl NULL
#endif

static int kl_vm_release(struct inode *inode, struct file *file)
{
	struct kl_vm *vm = file->private_data;

	kl_irqchip_vm_release(vm);
	kl_vm_put(vm);
	return 0;
}

static const struct file_operations kl_vm_fops = {
	.owner = THIS_MODULE,
	.release = kl_vm_release,
	.unlocked_ioctl = kl_vm_ioctl,
	.compat_ioctl = kl_vm_compat_ioctl,
	.llseek = noop_llseek,
};

int kl_vm_create_fd(unsigned long type)
{
	struct kl_vm *vm;
	struct file *file;
	int fd;

	if (type)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	vm = kl_vm_create();
	if (IS_ERR(vm)) {
		put_unused_fd(fd);
		return PTR_ERR(vm);
	}
	file = anon_inode_getfile("kvm-vm", &kl_vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		kl_irqchip_vm_release(vm);
		kl_vm_put(vm);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}
