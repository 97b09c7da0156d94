// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O APIC as a device: its lock, its page, and the end of interrupts.
 *
 * Sending a message with the lock held is fine: it sets bits and kicks, and
 * never comes back here. The other way, an EOI tells those who wait without the
 * lock, since they raise and lower lines; and it sends at most one message for
 * each pin, however the line behaves, so that no guest can make it recur.
 */

#include <linux/bitops.h>

#include "chip.h"

static int ioapic_deliver(void *ctx, u64 rte)
{
	struct kl_irqchip *chip = ctx;
	struct kl_apic_msg msg = {
		.dest = KL_RTE_DEST(rte),
		.vector = KL_RTE_VECTOR(rte),
		.mode = KL_RTE_MODE(rte),
		.logical = rte & KL_RTE_LOGICAL,
		.level = rte & KL_RTE_LEVEL,
		.assert = true,
	};

	return kl_apic_send(chip->vm, NULL, &msg);
}

/* Any context. */
int kl_ioapic_dev_set(struct kl_irqchip *chip, enum kl_irq_source source,
		      unsigned int pin, int level)
{
	struct kl_ioapic_dev *dev = &chip->ioapic;
	unsigned long flags;
	int ret;

	raw_spin_lock_irqsave(&dev->lock, flags);
	if (level)
		dev->sources[pin] |= 1 << source;
	else
		dev->sources[pin] &= ~(1 << source);
	ret = kl_ioapic_set_line(&dev->io, pin, !!dev->sources[pin]);
	raw_spin_unlock_irqrestore(&dev->lock, flags);
	return ret;
}

/**
 * kl_ioapic_dev_eoi - a LAPIC has broadcast an EOI
 * @chip: the VM's interrupt hardware
 * @vector: what was in service
 * @level: it came as a level-triggered message
 *
 * Context: the vCPU's thread. Remote IRR is cleared after those who wait have
 * been told: a line they raise meanwhile is noted and sent afterwards.
 */
void kl_ioapic_dev_eoi(struct kl_irqchip *chip, u8 vector, bool level)
{
	struct kl_ioapic_dev *dev = &chip->ioapic;
	unsigned long flags, pins;
	bool storm = false;
	unsigned int pin;

	/* Edges concern us only while somebody counts them. */
	if (!level && hlist_empty(&chip->ack_list))
		return;

	raw_spin_lock_irqsave(&dev->lock, flags);
	pins = kl_ioapic_eoi_pins(&dev->io, vector, level);
	raw_spin_unlock_irqrestore(&dev->lock, flags);
	if (!pins)
		return;

	for_each_set_bit(pin, &pins, KL_IOAPIC_PINS)
		kl_pin_acked(chip, KVM_IRQCHIP_IOAPIC, pin);
	if (!level)
		return;
	raw_spin_lock_irqsave(&dev->lock, flags);
	for_each_set_bit(pin, &pins, KL_IOAPIC_PINS)
		storm |= kl_ioapic_end(&dev->io, pin);
	raw_spin_unlock_irqrestore(&dev->lock, flags);
	if (storm)
		schedule_delayed_work(&dev->resend,
				      msecs_to_jiffies(KL_IOAPIC_STORM_MS));
}

static void ioapic_resend(struct work_struct *work)
{
	struct kl_ioapic_dev *dev = container_of(to_delayed_work(work),
						 struct kl_ioapic_dev, resend);
	unsigned long flags;

	raw_spin_lock_irqsave(&dev->lock, flags);
	kl_ioapic_resend(&dev->io);
	raw_spin_unlock_irqrestore(&dev->lock, flags);
}

void kl_ioapic_dev_setup(struct kl_irqchip *chip)
{
	raw_spin_lock_init(&chip->ioapic.lock);
	INIT_DELAYED_WORK(&chip->ioapic.resend, ioapic_resend);
}

/* Nobody runs any more who could begin a storm. */
void kl_ioapic_dev_stop(struct kl_irqchip *chip)
{
	cancel_delayed_work_sync(&chip->ioapic.resend);
}

static int ioapic_bus_read(struct kl_iodev *iodev, u64 addr, int len, void *val)
{
	struct kl_irqchip *chip = iodev->ctx;
	unsigned long flags;
	u32 data;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	data = kl_ioapic_read(&chip->ioapic.io, addr & 0xf0);
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
	memset(val, 0, len);
	memcpy(val, &data, min_t(int, len, sizeof(data)));
	return 0;
}

static int ioapic_bus_write(struct kl_iodev *iodev, u64 addr, int len,
			    const void *val)
{
	struct kl_irqchip *chip = iodev->ctx;
	unsigned long flags, unmasked;
	unsigned int pin;
	u32 data = 0;

	memcpy(&data, val, min_t(int, len, sizeof(data)));
	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	unmasked = kl_ioapic_write(&chip->ioapic.io, addr & 0xf0, data);
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
	for_each_set_bit(pin, &unmasked, KL_IOAPIC_PINS)
		kl_pin_unmasked(chip, KVM_IRQCHIP_IOAPIC, pin);
	return 0;
}

static const struct kl_iodev_ops ioapic_ops = {
	.read = ioapic_bus_read,
	.write = ioapic_bus_write,
};

void kl_ioapic_dev_get_state(struct kl_irqchip *chip,
			     struct kvm_ioapic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	kl_ioapic_get_state(&chip->ioapic.io, state);
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
}

void kl_ioapic_dev_set_state(struct kl_irqchip *chip,
			     const struct kvm_ioapic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	kl_ioapic_set_state(&chip->ioapic.io, state);
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
}

/* vm->lock held. */
int kl_ioapic_dev_init(struct kl_irqchip *chip)
{
	struct kl_ioapic_dev *dev = &chip->ioapic;
	int ret;

	kl_ioapic_init(&dev->io, ioapic_deliver, chip);
	memset(dev->sources, 0, sizeof(dev->sources));
	dev->page.ops = &ioapic_ops;
	dev->page.ctx = chip;
	dev->page.bus = KL_BUS_MMIO;
	dev->page.addr = KL_IOAPIC_BASE;
	dev->page.len = KL_IOAPIC_LEN;
	kl_iobus_lock(chip->vm);
	ret = kl_iobus_add(chip->vm, &dev->page);
	kl_iobus_unlock(chip->vm);
	return ret;
}

void kl_ioapic_dev_remove(struct kl_irqchip *chip)
{
	kl_iobus_remove_all(chip->vm, &ioapic_ops);
}
