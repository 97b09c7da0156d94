/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_CHIP_H
#define KVMLITE_CHIP_H

/*
 * What the files of irqchip/ know of one another.
 *
 * Locks, outermost first:
 *
 *   vm->lock			creation, capabilities
 *   irqchip.irqfd_mutex	irqfds come and go (not taken on the HUP path)
 *   irqchip.routing_mutex	replacing the routing table
 *   iobus.mutex		devices and ioeventfds come and go
 *   pit.mutex			the timer's registers
 *   an eventfd's wait queue	(held by whoever signals an irqfd)
 *   irqchip.irqfd_lock		list of irqfds
 *   pic.lock, ioapic.lock	raw, interrupts off; never both; leaf but for
 *				the scheduler's locks taken by a kick
 *
 * The routing table and the acknowledge notifiers are read under
 * irqchip.srcu, from any context. An interrupt can therefore be raised from
 * anywhere, also a hard interrupt: routing, chip lock, atomic bit in the LAPIC,
 * request, kick.
 */

#include <linux/hrtimer.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/workqueue.h>

#include "../vm.h"
#include "ioapic.h"
#include "irqchip.h"
#include "lapic_regs.h"
#include "pic.h"

#define KL_MAX_IRQ_ROUTES	4096
/* Chips as user space numbers them: two PICs, one IOAPIC. */
#define KL_NR_CHIPS		3
/* No guest timer repeats faster: hrtimers are nobody's time slice. */
#define KL_MIN_TIMER_PERIOD_NS	(READ_ONCE(kl_param_min_timer_us) * NSEC_PER_USEC)

/* Who holds a line up. The line is the OR of them. */
enum kl_irq_source {
	KL_SOURCE_USER,		/* KVM_IRQ_LINE, plain irqfds */
	KL_SOURCE_RESAMPLE,	/* all resampling irqfds of a GSI */
	KL_SOURCE_PIT,
};

/* Somebody who wants to know when the guest has done with an interrupt. */
struct kl_ack_notifier {
	struct hlist_node link;		/* irqchip.ack_list */
	u32 gsi;
	/* From the vCPU's thread, no lock held but irqchip.srcu. */
	void (*acked)(struct kl_ack_notifier *notifier);
};

struct kl_iodev;
/**
 * struct kl_iodev_ops - what a device on the bus does
 * @read: 0, or -EOPNOTSUPP if this access is not for it after all. @addr is
 *	the absolute one. vm->srcu held, may sleep.
 * @write: likewise
 * @free: the last user has gone; may be NULL
 */
struct kl_iodev_ops {
	int (*read)(struct kl_iodev *dev, u64 addr, int len, void *val);
	int (*write)(struct kl_iodev *dev, u64 addr, int len, const void *val);
	void (*free)(struct kl_iodev *dev);
};

/*
 * A device: @len bytes at @addr; @len 0: writes of any length at @addr.
 * @ctx is its owner's.
 */
struct kl_iodev {
	const struct kl_iodev_ops *ops;
	enum kl_bus bus;
	u64 addr;
	u32 len;
	void *ctx;
	struct kl_iodev *gone;	/* while being removed */
};

#define KL_PIC_PORTS	3

struct kl_pic_dev {
	raw_spinlock_t lock;		/* pic, sources */
	struct kl_pic pic;
	u8 sources[KL_PIC_PINS];	/* bits: enum kl_irq_source */
	struct kl_iodev port[KL_PIC_PORTS];
};

struct kl_ioapic_dev {
	raw_spinlock_t lock;		/* io, sources */
	struct kl_ioapic io;
	u8 sources[KL_IOAPIC_PINS];
	struct kl_iodev page;
	struct delayed_work resend;	/* after a storm: kl_ioapic_end() */
};

/*
 * struct kl_irqchip - interrupt hardware of a VM
 * @srcu: readers of @routing and @ack_list
 * @routing: from GSIs to pins and messages; NULL: none yet
 * @odd_ids: some LAPIC has an id other than its vCPU's
 * @nmi_watchdogs: LAPICs whose LINT0 is in NMI mode
 *
 * Lives as long as the VM. What is in it is in use from the moment
 * vm->irqchip_mode is published.
 */
struct kl_irqchip {
	struct kl_vm *vm;
	struct srcu_struct srcu;

	struct mutex routing_mutex;	/* writers of the next two */
	struct kl_routing __rcu *routing;
	struct hlist_head ack_list;	/* writers: routing_mutex */

	struct kl_pic_dev pic;
	struct kl_ioapic_dev ioapic;
	struct kl_pit *pit;		/* under vm->lock; set once */

	unsigned int split_pins;	/* IOAPIC pins user space emulates */
	u32 bus_cycle_ns;		/* LAPIC timer clock */
	bool odd_ids;
	atomic_t nmi_watchdogs;

	struct kl_coalesced *coalesced;

	struct mutex irqfd_mutex;	/* assigning, resamplers */
	spinlock_t irqfd_lock;		/* the list of irqfds */
	struct list_head irqfds;
	struct list_head resamplers;	/* under irqfd_mutex */
};

/* A message to local APICs. */
struct kl_apic_msg {
	u32 dest;
	u8 vector;
	u8 mode;		/* enum kl_delivery */
	u8 shorthand;		/* 0 none, 1 self, 2 all, 3 others */
	bool logical;
	bool level;		/* trigger mode */
	bool assert;
	bool lowest;		/* MSI redirection hint: choose one */
};

/*
 * struct kl_lapic - local APIC of a vCPU
 * @mode: follows the APIC base register; read by senders
 * @events: KL_APIC_INIT, KL_APIC_SIPI; atomic bit operations
 * @sipi_vector: written before KL_APIC_SIPI is set
 *
 * Lifetime: as its vCPU. Locking: the vCPU's thread (or whoever holds its
 * mutex) writes; others set bits in r.irr, r.tmr, r.esr_new and events. The
 * timer's callback runs in hard interrupts and touches IRR and @deadline.
 */
struct kl_lapic {
	struct kl_vcpu *vcpu;
	enum kl_lapic_mode {
		KL_LAPIC_DISABLED,
		KL_LAPIC_XAPIC,
		KL_LAPIC_X2APIC,
	} mode;
	struct kl_lapic_regs r;
	unsigned int nr_lvt;
	unsigned long events;
	u8 sipi_vector;
	bool nmi_watchdog;
	bool tpr_reporting;
	bool tpr_write;			/* the access to be reported */
	unsigned long tpr_rip;
	gpa_t vapic_addr;

	struct hrtimer timer;
	u64 period_ns;		/* 0: not counting */
	u64 deadline;		/* IA32_TSC_DEADLINE */
	int timer_cpu;
};

enum { KL_APIC_INIT, KL_APIC_SIPI };

/* lapic.c */
static inline bool kl_lapic_hw_enabled(const struct kl_lapic *apic)
{
	return READ_ONCE(apic->mode) != KL_LAPIC_DISABLED;
}

static inline bool kl_lapic_sw_enabled(const struct kl_lapic *apic)
{
	return kl_lapic_hw_enabled(apic) &&
	       (READ_ONCE(apic->r.svr) & KL_SVR_ENABLE);
}

/* LINT0 was written: is it the NMI watchdog's? */
void kl_lapic_check_watchdog(struct kl_lapic *apic);

/* @src: sender of an IPI, or NULL. CPUs that took it, or -1 for none meant. */
int kl_apic_send(struct kl_vm *vm, struct kl_lapic *src,
		 const struct kl_apic_msg *msg);
void kl_lapic_local(struct kl_lapic *apic, enum kl_lvt lvt);
void kl_lapic_error(struct kl_lapic *apic, u32 bit);
int kl_msi_send(struct kl_vm *vm, u32 address_lo, u32 address_hi, u32 data);

/* lapic_timer.c */
void kl_lapic_timer_init(struct kl_lapic *apic);
void kl_lapic_timer_stop(struct kl_lapic *apic);
/* TMICT was written. */
void kl_lapic_timer_start(struct kl_lapic *apic);
/* Registers were restored: go on from @tmcct. */
void kl_lapic_timer_restore(struct kl_lapic *apic, u32 tmcct);
void kl_lapic_timer_set_mode(struct kl_lapic *apic, u32 old_lvtt);
void kl_lapic_timer_set_divisor(struct kl_lapic *apic, u32 tdcr);
void kl_lapic_timer_set_deadline(struct kl_lapic *apic, u64 deadline);
u32 kl_lapic_timer_count(struct kl_lapic *apic);

/* routing.c */
int kl_routing_init(struct kl_irqchip *chip);
void kl_routing_destroy(struct kl_irqchip *chip);
int kl_routing_set_default(struct kl_irqchip *chip);
int kl_routing_set(struct kl_irqchip *chip,
		   const struct kvm_irq_routing_entry *entries,
		   unsigned int nr);
/*
 * The user's table may be read with this one; see KVM_IRQ_LINE_STATUS for the
 * return value: < 0 ignored, 0 coalesced, > 0 CPUs that took it.
 */
int kl_gsi_set(struct kl_irqchip *chip, enum kl_irq_source source, u32 gsi,
	       int level);
/* A pin was acknowledged; a masked pin was unmasked. No chip lock held. */
void kl_pin_acked(struct kl_irqchip *chip, unsigned int which,
		  unsigned int pin);
void kl_pin_unmasked(struct kl_irqchip *chip, unsigned int which,
		     unsigned int pin);
void kl_ack_register(struct kl_irqchip *chip, struct kl_ack_notifier *n);
/* On return nobody runs @n->acked. */
void kl_ack_unregister(struct kl_irqchip *chip, struct kl_ack_notifier *n);
/* Split irqchip: does the EOI of @vector concern user space's IOAPIC? */
bool kl_routing_wants_eoi(struct kl_irqchip *chip, u8 vector);

/* pic_dev.c */
int kl_pic_dev_init(struct kl_irqchip *chip);
void kl_pic_dev_remove(struct kl_irqchip *chip);
int kl_pic_dev_set(struct kl_irqchip *chip, enum kl_irq_source source,
		   unsigned int pin, int level);
int kl_pic_dev_ack(struct kl_irqchip *chip);
void kl_pic_dev_get_state(struct kl_irqchip *chip, int which,
			  struct kvm_pic_state *state);
void kl_pic_dev_set_state(struct kl_irqchip *chip, int which,
			  const struct kvm_pic_state *state);

/* ioapic_dev.c */
void kl_ioapic_dev_setup(struct kl_irqchip *chip);	/* with the VM */
void kl_ioapic_dev_stop(struct kl_irqchip *chip);
int kl_ioapic_dev_init(struct kl_irqchip *chip);
void kl_ioapic_dev_remove(struct kl_irqchip *chip);
int kl_ioapic_dev_set(struct kl_irqchip *chip, enum kl_irq_source source,
		      unsigned int pin, int level);
void kl_ioapic_dev_eoi(struct kl_irqchip *chip, u8 vector, bool level);
void kl_ioapic_dev_get_state(struct kl_irqchip *chip,
			     struct kvm_ioapic_state *state);
void kl_ioapic_dev_set_state(struct kl_irqchip *chip,
			     const struct kvm_ioapic_state *state);

/* pit_dev.c */
int kl_pit_create(struct kl_irqchip *chip, u32 flags);
void kl_pit_stop(struct kl_irqchip *chip);
void kl_pit_free(struct kl_irqchip *chip);
void kl_pit_unmasked(struct kl_irqchip *chip);
long kl_pit_ioctl(struct kl_irqchip *chip, unsigned int ioctl,
		  void __user *argp);

/* irqfd.c */
int kl_irqfd(struct kl_irqchip *chip, const struct kvm_irqfd *args);
void kl_irqfd_release(struct kl_irqchip *chip);
int kl_irqfd_module_init(void);
void kl_irqfd_module_exit(void);

/* iobus.c */
int kl_iobus_init(struct kl_vm *vm);
void kl_iobus_destroy(struct kl_vm *vm);
/* The caller holds the bus's mutex (kl_iobus_lock()). */
void kl_iobus_lock(struct kl_vm *vm);
void kl_iobus_unlock(struct kl_vm *vm);
int kl_iobus_add(struct kl_vm *vm, struct kl_iodev *dev);
/* Off the bus; on return nobody is in it; then freed by its ops. */
void kl_iobus_remove(struct kl_vm *vm, struct kl_iodev *dev);
/* Next device with these ops after @prev (NULL: first); mutex held. */
struct kl_iodev *kl_iobus_next(struct kl_vm *vm, enum kl_bus bus,
			       const struct kl_iodev_ops *ops,
			       struct kl_iodev *prev);
void kl_iobus_remove_all(struct kl_vm *vm, const struct kl_iodev_ops *ops);

/* ioeventfd.c, coalesced.c */
int kl_ioeventfd(struct kl_vm *vm, const struct kvm_ioeventfd *args);
void kl_ioeventfd_release(struct kl_vm *vm);
int kl_coalesced_init(struct kl_irqchip *chip);
void kl_coalesced_destroy(struct kl_irqchip *chip);
int kl_coalesced_add(struct kl_vm *vm, const struct kvm_coalesced_mmio_zone *z);
int kl_coalesced_del(struct kl_vm *vm, const struct kvm_coalesced_mmio_zone *z);

#endif
