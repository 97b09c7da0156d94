// SPDX-License-Identifier: GPL-2.0
/*
 * The PIC pair as a device: its lock, its ports, its wire to the CPU.
 *
 * Acknowledges that the state machine has gathered are passed on after the
 * lock is dropped: who hears of them may raise the line again at once.
 */

#include <linux/bitops.h>

#include "chip.h"

/* INTR goes to every LAPIC; the one whose LINT0 lets it through has it. */
static void pic_wake(struct kl_irqchip *chip)
{
	struct kl_vcpu *vcpu;
	unsigned long i;

	kl_for_each_vcpu(i, vcpu, chip->vm) {
		if (!vcpu->apic || !kl_lapic_accepts_pic(vcpu))
			continue;
		kl_request(vcpu, KL_REQ_EVENT);
		kl_vcpu_kick(vcpu);
		return;
	}
}

static void pic_tell_acked(struct kl_irqchip *chip, unsigned long pins)
{
	unsigned int pin;

	for_each_set_bit(pin, &pins, KL_PIC_PINS)
		kl_pin_acked(chip, pin / 8, pin % 8);
}

static unsigned long pic_take_eoi(struct kl_pic_dev *dev)
{
	unsigned long pins = dev->pic.eoi;

	lockdep_assert_held(&dev->lock);
	dev->pic.eoi = 0;
	return pins;
}

/* Any context. */
int kl_pic_dev_set(struct kl_irqchip *chip, enum kl_irq_source source,
		   unsigned int pin, int level)
{
	struct kl_pic_dev *dev = &chip->pic;
	unsigned long flags;
	bool wake;
	int ret;

	raw_spin_lock_irqsave(&dev->lock, flags);
	if (level)
		dev->sources[pin] |= 1 << source;
	else
		dev->sources[pin] &= ~(1 << source);
	ret = kl_pic_set_line(&dev->pic, pin, !!dev->sources[pin]);
	wake = dev->pic.output;
	raw_spin_unlock_irqrestore(&dev->lock, flags);
	if (wake)
		pic_wake(chip);
	return ret;
}

int kl_pic_dev_ack(struct kl_irqchip *chip)
{
	struct kl_pic_dev *dev = &chip->pic;
	unsigned long flags, acked;
	int vector;

	raw_spin_lock_irqsave(&dev->lock, flags);
	vector = kl_pic_ack(&dev->pic);
	acked = pic_take_eoi(dev);
	raw_spin_unlock_irqrestore(&dev->lock, flags);
	pic_tell_acked(chip, acked);
	return vector;
}

static int pic_port_write(struct kl_iodev *iodev, u64 port, int len,
			  const void *val)
{
	struct kl_irqchip *chip = iodev->ctx;
	struct kl_pic_dev *dev = &chip->pic;
	unsigned long flags, acked;
	u16 imr, unmasked;
	unsigned int pin;
	bool wake;

	/* Eight-bit registers: wider accesses are nobody's. */
	if (len != 1)
		return 0;
	raw_spin_lock_irqsave(&dev->lock, flags);
	imr = dev->pic.chip[0].imr | dev->pic.chip[1].imr << 8;
	kl_pic_write(&dev->pic, port, *(const u8 *)val);
	unmasked = imr & ~(dev->pic.chip[0].imr | dev->pic.chip[1].imr << 8);
	acked = pic_take_eoi(dev);
	wake = dev->pic.output;
	raw_spin_unlock_irqrestore(&dev->lock, flags);

	pic_tell_acked(chip, acked);
	for (pin = 0; unmasked; pin++, unmasked >>= 1)
		if (unmasked & 1)
			kl_pin_unmasked(chip, pin / 8, pin % 8);
	if (wake)
		pic_wake(chip);
	return 0;
}

static int pic_port_read(struct kl_iodev *iodev, u64 port, int len, void *val)
{
	struct kl_irqchip *chip = iodev->ctx;
	struct kl_pic_dev *dev = &chip->pic;
	unsigned long flags, acked;

	memset(val, 0, len);
	if (len != 1)
		return 0;
	raw_spin_lock_irqsave(&dev->lock, flags);
	*(u8 *)val = kl_pic_read(&dev->pic, port);
	acked = pic_take_eoi(dev);
	raw_spin_unlock_irqrestore(&dev->lock, flags);
	pic_tell_acked(chip, acked);
	return 0;
}

static const struct kl_iodev_ops pic_ops = {
	.read = pic_port_read,
	.write = pic_port_write,
};

void kl_pic_dev_get_state(struct kl_irqchip *chip, int which,
			  struct kvm_pic_state *state)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->pic.lock, flags);
	*state = chip->pic.pic.chip[which];
	raw_spin_unlock_irqrestore(&chip->pic.lock, flags);
}

void kl_pic_dev_set_state(struct kl_irqchip *chip, int which,
			  const struct kvm_pic_state *state)
{
	unsigned long flags;
	bool wake;

	raw_spin_lock_irqsave(&chip->pic.lock, flags);
	kl_pic_set_state(&chip->pic.pic, which, state);
	wake = chip->pic.pic.output;
	raw_spin_unlock_irqrestore(&chip->pic.lock, flags);
	if (wake)
		pic_wake(chip);
}

/* vm->lock held. */
int kl_pic_dev_init(struct kl_irqchip *chip)
{
	static const u16 ports[KL_PIC_PORTS] = { 0x20, 0xa0, 0x4d0 };
	struct kl_pic_dev *dev = &chip->pic;
	unsigned int i;
	int ret = 0;

	kl_pic_init(&dev->pic);
	memset(dev->sources, 0, sizeof(dev->sources));
	kl_iobus_lock(chip->vm);
	for (i = 0; i < KL_PIC_PORTS; i++) {
		dev->port[i].ops = &pic_ops;
		dev->port[i].ctx = chip;
		dev->port[i].bus = KL_BUS_PIO;
		dev->port[i].addr = ports[i];
		dev->port[i].len = 2;
		ret = kl_iobus_add(chip->vm, &dev->port[i]);
		if (ret)
			break;
	}
	kl_iobus_unlock(chip->vm);
	if (ret)
		kl_pic_dev_remove(chip);
	return ret;
}

void kl_pic_dev_remove(struct kl_irqchip *chip)
{
	kl_iobus_remove_all(chip->vm, &pic_ops);
}
