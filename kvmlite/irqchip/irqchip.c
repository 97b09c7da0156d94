// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupt hardware of a VM: creation, and the calls on it.
 *
 * struct kl_irqchip exists as long as the VM, whether or not user space asks
 * for interrupt controllers in the kernel: routing and irqfds need no special
 * case for a chip that is not there. vm->irqchip_mode says which are.
 */

#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kvm_uapi.h"
#include "chip.h"

int kl_irqchip_vm_init(struct kl_vm *vm)
{
	struct kl_irqchip *chip;
	int ret;

	chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);
	if (!chip)
		return -ENOMEM;
	chip->vm = vm;
	chip->bus_cycle_ns = 1;
	raw_spin_lock_init(&chip->pic.lock);
	kl_ioapic_dev_setup(chip);
	mutex_init(&chip->irqfd_mutex);
	spin_lock_init(&chip->irqfd_lock);
	INIT_LIST_HEAD(&chip->irqfds);
	INIT_LIST_HEAD(&chip->resamplers);

	ret = kl_routing_init(chip);
	if (ret)
		goto err_chip;
	ret = kl_coalesced_init(chip);
	if (ret)
		goto err_routing;
	ret = kl_iobus_init(vm);
	if (ret)
		goto err_coalesced;
	vm->irqchip = chip;
	return 0;

err_coalesced:
	kl_coalesced_destroy(chip);
err_routing:
	kl_routing_destroy(chip);
err_chip:
	kfree(chip);
	return ret;
}

/*
 * The VM's file is closed: nobody can name its eventfds any more. vCPUs may
 * still run.
 */
void kl_irqchip_vm_release(struct kl_vm *vm)
{
	kl_irqfd_release(vm->irqchip);
	kl_ioeventfd_release(vm);
}

/*
 * The last reference has gone, vCPUs are about to be freed: no more interrupts
 * for them.
 */
void kl_irqchip_vm_stop(struct kl_vm *vm)
{
	kl_pit_stop(vm->irqchip);
	kl_ioapic_dev_stop(vm->irqchip);
}

void kl_irqchip_vm_destroy(struct kl_vm *vm)
{
	struct kl_irqchip *chip = vm->irqchip;

	kl_iobus_destroy(vm);
	kl_pit_free(chip);
	kl_coalesced_destroy(chip);
	kl_routing_destroy(chip);
	vm->irqchip = NULL;
	kfree(chip);
}

static long irqchip_create(struct kl_vm *vm)
{
	struct kl_irqchip *chip = vm->irqchip;
	int ret;

	lockdep_assert_held(&vm->lock);
	if (vm->irqchip_mode != KL_IRQCHIP_NONE)
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EINVAL;
	ret = kl_pic_dev_init(chip);
	if (ret)
		return ret;
	ret = kl_ioapic_dev_init(chip);
	if (ret)
		goto err_pic;
	ret = kl_routing_set_default(chip);
	if (ret)
		goto err_ioapic;
	/* Pairs with kl_irqchip_in_kernel(): complete before it is seen. */
	smp_store_release(&vm->irqchip_mode, KL_IRQCHIP_KERNEL);
	return 0;

err_ioapic:
	kl_ioapic_dev_remove(chip);
err_pic:
	kl_pic_dev_remove(chip);
	return ret;
}

static long irqchip_state(struct kl_vm *vm, void __user *argp, bool set)
{
	struct kl_irqchip *hw = vm->irqchip;
	struct kvm_irqchip *chip;
	long ret = 0;

	chip = memdup_user(argp, sizeof(*chip));
	if (IS_ERR(chip))
		return PTR_ERR(chip);
	switch (chip->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		if (set)
			kl_pic_dev_set_state(hw, chip->chip_id, &chip->chip.pic);
		else
			kl_pic_dev_get_state(hw, chip->chip_id, &chip->chip.pic);
		break;
	case KVM_IRQCHIP_IOAPIC:
		if (set)
			kl_ioapic_dev_set_state(hw, &chip->chip.ioapic);
		else
			kl_ioapic_dev_get_state(hw, &chip->chip.ioapic);
		break;
	default:
		ret = -EINVAL;
	}
	if (!ret && !set && copy_to_user(argp, chip, sizeof(*chip)))
		ret = -EFAULT;
	kfree(chip);
	return ret;
}

static long irqchip_set_routing(struct kl_vm *vm, void __user *argp)
{
	struct kvm_irq_routing_entry *entries = NULL;
	struct kvm_irq_routing head;
	long ret;

	if (copy_from_user(&head, argp, sizeof(head)))
		return -EFAULT;
	if (!kl_irqchip_in_kernel(vm) || head.flags ||
	    head.nr > KL_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(argp + sizeof(head),
				       array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	ret = kl_routing_set(vm->irqchip, entries, head.nr);
	kvfree(entries);
	return ret;
}

static long irqchip_irq_line(struct kl_vm *vm, void __user *argp,
			     bool want_status)
{
	struct kvm_irq_level irq;
	int status;

	if (copy_from_user(&irq, argp, sizeof(irq)))
		return -EFAULT;
	if (!kl_irqchip_in_kernel(vm))
		return -ENXIO;
	status = kl_set_gsi(vm, irq.irq, irq.level);
	if (!want_status)
		return 0;
	irq.status = status;
	return copy_to_user(argp, &irq, sizeof(irq)) ? -EFAULT : 0;
}

static long irqchip_signal_msi(struct kl_vm *vm, void __user *argp)
{
	struct kvm_msi msi;

	if (copy_from_user(&msi, argp, sizeof(msi)))
		return -EFAULT;
	if (!kl_irqchip_in_kernel(vm) || msi.flags)
		return -EINVAL;
	if (vm->x2apic_32bit && (msi.address_hi & 0xff))
		return -EINVAL;
	return kl_msi_send(vm, msi.address_lo, msi.address_hi, msi.data);
}

static long irqchip_set_boot_cpu(struct kl_vm *vm, unsigned long id)
{
	if (id >= KL_MAX_VCPU_ID)
		return -EINVAL;
	if (vm->nr_vcpus)
		return -EBUSY;
	vm->bsp_id = id;
	return 0;
}

static long irqchip_create_pit2(struct kl_vm *vm, void __user *argp)
{
	struct kvm_pit_config config;
	long ret;

	if (copy_from_user(&config, argp, sizeof(config)))
		return -EFAULT;
	mutex_lock(&vm->lock);
	ret = kl_pit_create(vm->irqchip, config.flags);
	mutex_unlock(&vm->lock);
	return ret;
}

static long irqchip_irqfd(struct kl_vm *vm, void __user *argp)
{
	struct kvm_irqfd args;

	if (copy_from_user(&args, argp, sizeof(args)))
		return -EFAULT;
	return kl_irqfd(vm->irqchip, &args);
}

static long irqchip_ioeventfd(struct kl_vm *vm, void __user *argp)
{
	struct kvm_ioeventfd args;

	if (copy_from_user(&args, argp, sizeof(args)))
		return -EFAULT;
	return kl_ioeventfd(vm, &args);
}

static long irqchip_coalesced(struct kl_vm *vm, void __user *argp, bool add)
{
	struct kvm_coalesced_mmio_zone zone;

	if (copy_from_user(&zone, argp, sizeof(zone)))
		return -EFAULT;
	return add ? kl_coalesced_add(vm, &zone) : kl_coalesced_del(vm, &zone);
}

/* Creation: under vm->lock, against vCPUs being created. */
static long irqchip_locked_ioctl(struct kl_vm *vm, unsigned int ioctl,
				 void __user *argp)
{
	long ret;

	mutex_lock(&vm->lock);
	switch (ioctl) {
	case KVM_CREATE_IRQCHIP:
		ret = irqchip_create(vm);
		break;
	case KVM_CREATE_PIT:
		ret = kl_pit_create(vm->irqchip, KVM_PIT_SPEAKER_DUMMY);
		break;
	default:
		ret = irqchip_set_boot_cpu(vm, (unsigned long)argp);
		break;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

long kl_irqchip_vm_ioctl(struct kl_vm *vm, unsigned int ioctl,
			 void __user *argp)
{
	switch (ioctl) {
	case KVM_CREATE_IRQCHIP:
	case KVM_CREATE_PIT:
	case KVM_SET_BOOT_CPU_ID:
		return irqchip_locked_ioctl(vm, ioctl, argp);
	case KVM_CREATE_PIT2:
		return irqchip_create_pit2(vm, argp);
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
		/* Pairs with the release in irqchip_create(). */
		if (smp_load_acquire(&vm->irqchip_mode) != KL_IRQCHIP_KERNEL)
			return -ENXIO;
		return irqchip_state(vm, argp, ioctl == KVM_SET_IRQCHIP);
	case KVM_GET_PIT:
	case KVM_SET_PIT:
	case KVM_GET_PIT2:
	case KVM_SET_PIT2:
	case KVM_REINJECT_CONTROL:
		return kl_pit_ioctl(vm->irqchip, ioctl, argp);
	case KVM_SET_GSI_ROUTING:
		return irqchip_set_routing(vm, argp);
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		return irqchip_irq_line(vm, argp, ioctl == KVM_IRQ_LINE_STATUS);
	case KVM_SIGNAL_MSI:
		return irqchip_signal_msi(vm, argp);
	case KVM_IRQFD:
		return irqchip_irqfd(vm, argp);
	case KVM_IOEVENTFD:
		return irqchip_ioeventfd(vm, argp);
	case KVM_REGISTER_COALESCED_MMIO:
	case KVM_UNREGISTER_COALESCED_MMIO:
		return irqchip_coalesced(vm, argp,
					 ioctl == KVM_REGISTER_COALESCED_MMIO);
	}
	return -ENOIOCTLCMD;
}

int kl_set_gsi(struct kl_vm *vm, u32 gsi, int level)
{
	return kl_gsi_set(vm->irqchip, KL_SOURCE_USER, gsi, level);
}

int kl_irqchip_check_extension(struct kl_vm *vm, long cap)
{
	switch (cap) {
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_IOAPIC_POLARITY_IGNORED:
	case KVM_CAP_PIT:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_SPLIT_IRQCHIP:
	case KVM_CAP_SET_BOOT_CPU_ID:
	case KVM_CAP_TSC_DEADLINE_TIMER:
	case KVM_CAP_VAPIC:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_NO_LENGTH:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
	case KVM_CAP_COALESCED_PIO:
		return 1;
	case KVM_CAP_COALESCED_MMIO:
		return KL_COALESCED_PAGE_OFFSET;
	case KVM_CAP_IRQ_ROUTING:
		return KL_MAX_IRQ_ROUTES;
	case KVM_CAP_X2APIC_API:
		return KVM_X2APIC_API_USE_32BIT_IDS |
		       KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	case KVM_CAP_X86_APIC_BUS_CYCLES_NS:
		return 1;
	}
	return -ENOIOCTLCMD;
}

static long irqchip_split(struct kl_vm *vm, u64 pins)
{
	if (pins > KL_MAX_IRQ_ROUTES)
		return -EINVAL;
	if (vm->irqchip_mode != KL_IRQCHIP_NONE || vm->nr_vcpus)
		return -EEXIST;
	vm->irqchip->split_pins = pins;
	/* Pairs with kl_irqchip_in_kernel(). */
	smp_store_release(&vm->irqchip_mode, KL_IRQCHIP_SPLIT);
	return 0;
}

static long irqchip_x2apic_api(struct kl_vm *vm, u64 flags)
{
	if (flags & ~(u64)(KVM_X2APIC_API_USE_32BIT_IDS |
			   KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		return -EINVAL;
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		vm->x2apic_32bit = true;
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		vm->x2apic_no_broadcast_quirk = true;
	return 0;
}

static long irqchip_bus_cycle(struct kl_vm *vm, u64 ns)
{
	/* The longest count, 2^32 of them at 1/128, must fit in 63 bits. */
	if (!ns || ns > S64_MAX / ((u64)U32_MAX * 128))
		return -EINVAL;
	if (vm->irqchip_mode == KL_IRQCHIP_NONE)
		return -ENXIO;
	if (vm->nr_vcpus)
		return -EINVAL;
	vm->irqchip->bus_cycle_ns = ns;
	return 0;
}

long kl_irqchip_enable_cap(struct kl_vm *vm, const struct kvm_enable_cap *cap)
{
	long ret;

	mutex_lock(&vm->lock);
	switch (cap->cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		ret = irqchip_split(vm, cap->args[0]);
		break;
	case KVM_CAP_X2APIC_API:
		ret = irqchip_x2apic_api(vm, cap->args[0]);
		break;
	case KVM_CAP_X86_APIC_BUS_CYCLES_NS:
		ret = irqchip_bus_cycle(vm, cap->args[0]);
		break;
	default:
		ret = -ENOIOCTLCMD;
	}
	mutex_unlock(&vm->lock);
	return ret;
}

int kl_irqchip_module_init(void)
{
	return kl_irqfd_module_init();
}

void kl_irqchip_module_exit(void)
{
	kl_irqfd_module_exit();
}
