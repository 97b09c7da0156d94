// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/kvmlite: the calls that need no VM yet.
 */

#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>

#include <virtlite/kvmlite.h>

#include "kvm_uapi.h"

#include "cpuid.h"
#include "dev.h"
#include "host.h"
#include "irqchip/irqchip.h"
#include "msr_filter.h"
#include "state.h"
#include "tsc.h"
#include "vendor.h"
#include "vm.h"

int kl_check_extension(struct kl_vm *vm, long cap)
{
	int ret;

	ret = kl_mmu_check_extension(vm, cap);
	if (ret != -ENOIOCTLCMD)
		return ret;
	ret = kl_irqchip_check_extension(vm, cap);
	if (ret != -ENOIOCTLCMD)
		return ret;

	switch (cap) {
	case KVM_CAP_HLT:
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_MP_STATE:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_XSAVE:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_INTERNAL_ERROR_DATA:
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_X86_ROBUST_SINGLESTEP:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_GET_MSR_FEATURES:
	case KVM_CAP_ENABLE_CAP_VM:
	case KVM_CAP_ENABLE_CAP:
	case KVM_CAP_CHECK_EXTENSION_VM:
	case KVM_CAP_SREGS2:
	case KVM_CAP_X86_MSR_FILTER:
	case KVM_CAP_EXCEPTION_PAYLOAD:
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
	case KVM_CAP_CLOCKSOURCE:
	case KVM_CAP_KVMCLOCK_CTRL:
	case KVM_CAP_NOP_IO_DELAY:
	case KVM_CAP_INTR_SHADOW:
	case KVM_CAP_EXT_EMUL_CPUID:
	case KVM_CAP_BINARY_STATS_FD:
	case KVM_CAP_VCPU_ATTRIBUTES:
	case KVM_CAP_SYS_ATTRIBUTES:
	case KVM_CAP_ENFORCE_PV_FEATURE_CPUID:
	case KVM_CAP_MSR_PLATFORM_INFO:
	case KVM_CAP_EXIT_ON_EMULATION_FAILURE:
		return 1;
	case KVM_CAP_X86_DISABLE_EXITS:
		return kl_disable_exits();
	case KVM_CAP_ADJUST_CLOCK:
		return KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;
	case KVM_CAP_XCRS:
		return kl_host_xcr0() ? 1 : 0;
	case KVM_CAP_XSAVE2: {
		u32 size = kl_host_xsave_size(kl_cpuid_supported_xcr0());

		return max_t(int, size, sizeof(struct kvm_xsave));
	}
	case KVM_CAP_NR_VCPUS:
		return min_t(unsigned int, num_online_cpus(), KL_MAX_VCPUS);
	case KVM_CAP_MAX_VCPUS:
		return KL_MAX_VCPUS;
	case KVM_CAP_MAX_VCPU_ID:
		return KL_MAX_VCPU_ID;
	case KVM_CAP_SYNC_REGS:
		return KVM_SYNC_X86_VALID_FIELDS;
	case KVM_CAP_X86_USER_SPACE_MSR:
		return KVM_MSR_EXIT_REASON_VALID_MASK;
	case KVM_CAP_DISABLE_QUIRKS:
		return 1;
	case KVM_CAP_DISABLE_QUIRKS2:
		return KL_QUIRKS;
	case KVM_CAP_SET_GUEST_DEBUG2:
		return KL_GUESTDBG_VALID;
	case KVM_CAP_TSC_CONTROL:
	case KVM_CAP_VM_TSC_CONTROL:
		return kl_ops->tsc_scaling_frac_bits ? 1 : 0;
	case KVM_CAP_MCE:
		return 32;
	default:
		return 0;
	}
}

u32 kl_disable_exits(void)
{
	u32 exits = KVM_X86_DISABLE_EXITS_HLT | KVM_X86_DISABLE_EXITS_PAUSE;

	if (boot_cpu_has(X86_FEATURE_MWAIT) && !boot_cpu_has_bug(X86_BUG_MONITOR))
		exits |= KVM_X86_DISABLE_EXITS_MWAIT;
	return exits;
}

/* The one attribute of the device: what XCR0 of a guest may have. */
static long kl_dev_attr(unsigned int ioctl, void __user *argp)
{
	struct kvm_device_attr attr;

	if (copy_from_user(&attr, argp, sizeof(attr)))
		return -EFAULT;
	if (attr.group || attr.attr != KVM_X86_XCOMP_GUEST_SUPP)
		return -ENXIO;
	if (ioctl == KVM_HAS_DEVICE_ATTR)
		return 0;
	return put_user(kl_cpuid_supported_xcr0(),
			(u64 __user *)u64_to_user_ptr(attr.addr));
}

static long kl_get_info(struct kvmlite_info __user *user)
{
	struct kvmlite_info info = { .size = sizeof(info) };
	u32 size;

	if (get_user(size, &user->size))
		return -EFAULT;
	if (size < offsetofend(struct kvmlite_info, flags))
		return -EINVAL;
	info.size = min_t(u32, size, sizeof(info));
	if (kl_ops == &kl_vmx_ops)
		info.backend = KVMLITE_BACKEND_VMX;
	else
		info.backend = KVMLITE_BACKEND_SVM;
	info.features |= kl_ops->has_1g ? KVMLITE_FEATURE_1G_PAGES : 0;
	info.features |= kl_ops->has_ad ? KVMLITE_FEATURE_AD_BITS : 0;
	info.features |= kl_ops->tsc_scaling_frac_bits ?
			 KVMLITE_FEATURE_TSC_SCALING : 0;
	info.max_vcpus = KL_MAX_VCPUS;
	info.max_slots = KL_USER_SLOTS;
	strscpy(info.build, THIS_MODULE->srcversion ?: "", sizeof(info.build));
	kl_host_boundary_info(&info);
	return copy_to_user(user, &info, info.size) ? -EFAULT : 0;
}

static long kl_dev_ioctl(struct file *file, unsigned int ioctl,
			 unsigned long arg)
{
	void __user *argp = (void __user *)arg;

	switch (ioctl) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CREATE_VM:
		return kl_vm_create_fd(arg);
	case KVM_CHECK_EXTENSION:
		return kl_check_extension(NULL, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : KL_RUN_PAGES * PAGE_SIZE;
	case KVM_GET_SUPPORTED_CPUID:
		return kl_cpuid_get_supported(argp, false);
	case KVM_GET_EMULATED_CPUID:
		return kl_cpuid_get_supported(argp, true);
	case KVM_GET_MSR_INDEX_LIST:
		return kl_msr_get_index_list(argp);
	case KVM_GET_MSR_FEATURE_INDEX_LIST:
		return kl_msr_get_feature_list(argp);
	case KVM_GET_MSRS:
		return kl_msr_get_features(argp);
	case KVM_X86_GET_MCE_CAP_SUPPORTED: {
		u64 cap = KL_MCG_CAP_SUPPORTED;

		return copy_to_user(argp, &cap, sizeof(cap)) ? -EFAULT : 0;
	}
	case KVM_HAS_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
		return kl_dev_attr(ioctl, argp);
	case KVMLITE_GET_INFO:
		return kl_get_info(argp);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations kl_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = kl_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice kl_miscdev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kvmlite",
	.fops = &kl_dev_fops,
	.mode = 0660,
};

int kl_dev_init(void)
{
	return misc_register(&kl_miscdev);
}

void kl_dev_exit(void)
{
	misc_deregister(&kl_miscdev);
}
