// SPDX-License-Identifier: GPL-2.0
/*
 * From GSIs to pins and messages, and back from pins to those who wait for an
 * acknowledge.
 *
 * The table is replaced as a whole by KVM_SET_GSI_ROUTING and never changed
 * once published. Readers hold irqchip.srcu, which can be had in any context;
 * the call returns when no reader has the old table, so that user space may
 * reuse what its old routes pointed to.
 */

#include <linux/nospec.h>
#include <linux/slab.h>

#include "chip.h"

#define NO_GSI		(-1)
#define NO_ENTRY	U16_MAX

struct kl_route {
	u32 gsi;
	u16 next;		/* of the same GSI, or NO_ENTRY */
	bool msi;
	union {
		struct {
			u8 chip;
			u8 pin;
		};
		struct {
			u32 address_lo;
			u32 address_hi;
			u32 data;
		};
	};
};

/**
 * struct kl_routing - the table
 * @nr_gsis: GSIs below this one may have entries
 * @pin_gsi: from chip and pin to GSI, or NO_GSI
 * @first: per GSI, its first entry or NO_ENTRY
 * @nr: how many entries
 * @entry: all of them
 */
struct kl_routing {
	u32 nr_gsis;
	s16 pin_gsi[KL_NR_CHIPS][KL_IOAPIC_PINS];
	u16 first[KL_MAX_IRQ_ROUTES];
	u16 nr;
	struct kl_route entry[];
};

/* At most one pin of each chip, or one message. */
static bool route_conflicts(const struct kl_routing *table,
			    const struct kl_route *new)
{
	const struct kl_route *old;
	u16 i;

	for (i = table->first[new->gsi]; i != NO_ENTRY; i = old->next) {
		old = &table->entry[i];
		if (old->msi || new->msi || old->chip == new->chip)
			return true;
	}
	return false;
}

static int route_from_user(struct kl_vm *vm, struct kl_route *route,
			   const struct kvm_irq_routing_entry *ue)
{
	if (ue->gsi >= KL_MAX_IRQ_ROUTES)
		return -EINVAL;
	route->gsi = array_index_nospec(ue->gsi, KL_MAX_IRQ_ROUTES);

	switch (ue->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (ue->flags || vm->irqchip_mode == KL_IRQCHIP_SPLIT)
			return -EINVAL;
		switch (ue->u.irqchip.irqchip) {
		case KVM_IRQCHIP_PIC_MASTER:
		case KVM_IRQCHIP_PIC_SLAVE:
			if (ue->u.irqchip.pin >= KL_PIC_PINS / 2)
				return -EINVAL;
			break;
		case KVM_IRQCHIP_IOAPIC:
			if (ue->u.irqchip.pin >= KL_IOAPIC_PINS)
				return -EINVAL;
			break;
		default:
			return -EINVAL;
		}
		route->chip = ue->u.irqchip.irqchip;
		route->pin = ue->u.irqchip.pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		if (ue->flags & ~KVM_MSI_VALID_DEVID)
			return -EINVAL;
		route->msi = true;
		route->address_lo = ue->u.msi.address_lo;
		route->address_hi = ue->u.msi.address_hi;
		route->data = ue->u.msi.data;
		/* Bits 31:8 of the id; the rest must be free. */
		if (vm->x2apic_32bit && (route->address_hi & 0xff))
			return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

/**
 * kl_routing_set - replace the table
 * @chip: the VM's interrupt hardware
 * @entries: as user space gave them, copied
 * @nr: how many; 0 empties the table
 *
 * Return: 0, -EINVAL with the old table in place, -ENOMEM. Sleeps.
 */
int kl_routing_set(struct kl_irqchip *chip,
		   const struct kvm_irq_routing_entry *entries,
		   unsigned int nr)
{
	struct kl_routing *table, *old;
	struct kl_route *route;
	unsigned int i;
	int ret;

	table = kvzalloc(struct_size(table, entry, nr), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	table->nr = nr;
	memset(table->pin_gsi, 0xff, sizeof(table->pin_gsi));
	memset(table->first, 0xff, sizeof(table->first));

	for (i = 0; i < nr; i++) {
		route = &table->entry[i];
		ret = route_from_user(chip->vm, route, &entries[i]);
		if (ret)
			goto err_free;
		ret = -EINVAL;
		if (route_conflicts(table, route))
			goto err_free;
		route->next = table->first[route->gsi];
		table->first[route->gsi] = i;
		table->nr_gsis = max(table->nr_gsis, route->gsi + 1);
		if (!route->msi)
			table->pin_gsi[route->chip][route->pin] = route->gsi;
	}

	mutex_lock(&chip->routing_mutex);
	old = rcu_dereference_protected(chip->routing,
					lockdep_is_held(&chip->routing_mutex));
	rcu_assign_pointer(chip->routing, table);
	mutex_unlock(&chip->routing_mutex);
	synchronize_srcu_expedited(&chip->srcu);
	kvfree(old);
	return 0;

err_free:
	kvfree(table);
	return ret;
}

/* A PC: GSIs 0…15 to both kinds of chip, 16…23 to the IOAPIC. */
int kl_routing_set_default(struct kl_irqchip *chip)
{
	struct kvm_irq_routing_entry *entries, *e;
	unsigned int gsi;
	int ret;

	entries = kcalloc(KL_PIC_PINS + KL_IOAPIC_PINS, sizeof(*entries),
			  GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	e = entries;
	for (gsi = 0; gsi < KL_IOAPIC_PINS; gsi++, e++) {
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi;
	}
	for (gsi = 0; gsi < KL_PIC_PINS; gsi++, e++) {
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = gsi / 8;
		e->u.irqchip.pin = gsi % 8;
	}
	ret = kl_routing_set(chip, entries, e - entries);
	kfree(entries);
	return ret;
}

static int route_set(struct kl_irqchip *chip, const struct kl_route *route,
		     enum kl_irq_source source, int level)
{
	if (route->msi) {
		/* A message is sent when the line goes up. */
		if (!level)
			return -1;
		return kl_msi_send(chip->vm, route->address_lo,
				   route->address_hi, route->data);
	}
	if (route->chip == KVM_IRQCHIP_IOAPIC)
		return kl_ioapic_dev_set(chip, source, route->pin, level);
	return kl_pic_dev_set(chip, source, route->chip * 8 + route->pin, level);
}

/* Any context, no chip lock held. */
int kl_gsi_set(struct kl_irqchip *chip, enum kl_irq_source source, u32 gsi,
	       int level)
{
	const struct kl_routing *table;
	int ret = -1, one, idx;
	u16 i;

	idx = srcu_read_lock(&chip->srcu);
	table = srcu_dereference(chip->routing, &chip->srcu);
	if (table && gsi < table->nr_gsis) {
		gsi = array_index_nospec(gsi, table->nr_gsis);
		/* Nobody knows which chip the guest uses: the other is masked. */
		for (i = table->first[gsi]; i != NO_ENTRY;
		     i = table->entry[i].next) {
			one = route_set(chip, &table->entry[i], source, level);
			if (one >= 0)
				ret = max(ret, 0) + one;
		}
	}
	srcu_read_unlock(&chip->srcu, idx);
	return ret;
}

bool kl_routing_wants_eoi(struct kl_irqchip *chip, u8 vector)
{
	const struct kl_routing *table;
	const struct kl_route *route;
	bool wants = false;
	unsigned int gsi;
	int idx;
	u16 i;

	idx = srcu_read_lock(&chip->srcu);
	table = srcu_dereference(chip->routing, &chip->srcu);
	for (gsi = 0; table && gsi < min(chip->split_pins, table->nr_gsis);
	     gsi++) {
		i = table->first[gsi];
		if (i == NO_ENTRY)
			continue;
		route = &table->entry[i];
		if (route->msi && (route->data & 0xff) == vector &&
		    (route->data & BIT(15))) {
			wants = true;
			break;
		}
	}
	srcu_read_unlock(&chip->srcu, idx);
	return wants;
}

/* srcu held. */
static int pin_gsi(struct kl_irqchip *chip, unsigned int which,
		   unsigned int pin)
{
	const struct kl_routing *table;

	table = srcu_dereference(chip->routing, &chip->srcu);
	return table ? table->pin_gsi[which][pin] : NO_GSI;
}

void kl_pin_acked(struct kl_irqchip *chip, unsigned int which,
		  unsigned int pin)
{
	struct kl_ack_notifier *n;
	int idx, gsi;

	idx = srcu_read_lock(&chip->srcu);
	gsi = pin_gsi(chip, which, pin);
	if (gsi != NO_GSI) {
		hlist_for_each_entry_srcu(n, &chip->ack_list, link,
					  srcu_read_lock_held(&chip->srcu))
			if (n->gsi == gsi)
				n->acked(n);
	}
	srcu_read_unlock(&chip->srcu, idx);
}

void kl_pin_unmasked(struct kl_irqchip *chip, unsigned int which,
		     unsigned int pin)
{
	int idx, gsi;

	idx = srcu_read_lock(&chip->srcu);
	gsi = pin_gsi(chip, which, pin);
	srcu_read_unlock(&chip->srcu, idx);
	if (!gsi)
		kl_pit_unmasked(chip);
}

void kl_ack_register(struct kl_irqchip *chip, struct kl_ack_notifier *n)
{
	mutex_lock(&chip->routing_mutex);
	hlist_add_head_rcu(&n->link, &chip->ack_list);
	mutex_unlock(&chip->routing_mutex);
}

void kl_ack_unregister(struct kl_irqchip *chip, struct kl_ack_notifier *n)
{
	mutex_lock(&chip->routing_mutex);
	hlist_del_init_rcu(&n->link);
	mutex_unlock(&chip->routing_mutex);
	synchronize_srcu_expedited(&chip->srcu);
}

int kl_routing_init(struct kl_irqchip *chip)
{
	mutex_init(&chip->routing_mutex);
	INIT_HLIST_HEAD(&chip->ack_list);
	return init_srcu_struct(&chip->srcu);
}

void kl_routing_destroy(struct kl_irqchip *chip)
{
	kvfree(rcu_dereference_protected(chip->routing, true));
	cleanup_srcu_struct(&chip->srcu);
}
