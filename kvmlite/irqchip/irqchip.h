/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_IRQCHIP_H
#define KVMLITE_IRQCHIP_H

/*
 * Interrupt controllers and timers in the kernel: PIC pair, IOAPIC, LAPICs,
 * PIT; GSI routing, MSI, irqfd, ioeventfd, and the bus by which port and
 * memory accesses find them.
 */

#include "../mmu.h"
#include "../vcpu.h"

struct kl_vm;

int kl_irqchip_module_init(void);
void kl_irqchip_module_exit(void);

/*
 * VM life. kl_irqchip_vm_init sets up what exists without an irqchip too
 * (iobus); _release is called when the VM's file is closed (ioeventfds and
 * irqfds go), _destroy with the last reference.
 */
int kl_irqchip_vm_init(struct kl_vm *vm);
void kl_irqchip_vm_release(struct kl_vm *vm);
/* With the last reference, before the vCPUs are freed: timers stop. */
void kl_irqchip_vm_stop(struct kl_vm *vm);
void kl_irqchip_vm_destroy(struct kl_vm *vm);

/* vCPU life: creates vcpu->apic if the VM has an in-kernel irqchip. */
int kl_lapic_create(struct kl_vcpu *vcpu);
void kl_lapic_free(struct kl_vcpu *vcpu);
void kl_lapic_reset(struct kl_vcpu *vcpu, bool init_event);
/* The vCPU is made current on a CPU / moved: timers follow. */
void kl_lapic_load(struct kl_vcpu *vcpu);

/* ioctls; -ENOIOCTLCMD if somebody else's. vCPU ones: vCPU mutex held, loaded. */
long kl_irqchip_vm_ioctl(struct kl_vm *vm, unsigned int ioctl,
			 void __user *argp);
long kl_irqchip_vcpu_ioctl(struct kl_vcpu *vcpu, unsigned int ioctl,
			   void __user *argp);
int kl_irqchip_check_extension(struct kl_vm *vm, long cap);
/* KVM_ENABLE_CAP on the VM: split irqchip, X2APIC_API, … -ENOIOCTLCMD. */
long kl_irqchip_enable_cap(struct kl_vm *vm, const struct kvm_enable_cap *cap);

/*
 * Interrupts for the CPU. All but kl_irq_ack() may look only; with no in-kernel
 * irqchip the core uses what KVM_INTERRUPT queued and does not call these.
 */
bool kl_irq_pending(struct kl_vcpu *vcpu);	/* PIC or LAPIC has one that PPR lets in */
int kl_irq_ack(struct kl_vcpu *vcpu);		/* take it: vector, or -1 */
/*
 * INIT and SIPI: true if something is latched; process runs on the vCPU's own
 * thread before entry (changes mp_state, resets the vCPU).
 */
bool kl_lapic_has_init_sipi(struct kl_vcpu *vcpu);
int kl_lapic_process_init_sipi(struct kl_vcpu *vcpu);
long kl_lapic_send_ipis(struct kl_vm *vm, const unsigned long arg[4], bool wide);
/* As if a SIPI had come already (KVM_MP_STATE_SIPI_RECEIVED). */
void kl_lapic_latch_sipi(struct kl_vcpu *vcpu);
void kl_lapic_set_sipi_vector(struct kl_vcpu *vcpu, u8 vector);
/* Where KL_REQ_TPR_ACCESS is taken: the run page for KVM_EXIT_TPR_ACCESS. */
void kl_lapic_fill_tpr_access(struct kl_vcpu *vcpu);
/*
 * LINT0 lets the PIC's interrupts through, and with a split irqchip those of
 * KVM_INTERRUPT, to this CPU.
 */
bool kl_lapic_accepts_pic(struct kl_vcpu *vcpu);

u8 kl_lapic_get_cr8(struct kl_vcpu *vcpu);
void kl_lapic_set_cr8(struct kl_vcpu *vcpu, u8 cr8);
int kl_lapic_set_base(struct kl_vcpu *vcpu, u64 base, bool host_initiated);	/* 0 / 1 #GP */
/* The register page. 0, or -EOPNOTSUPP: @addr is not there. */
int kl_lapic_mmio_read(struct kl_vcpu *vcpu, u64 addr, int len, void *val);
int kl_lapic_mmio_write(struct kl_vcpu *vcpu, u64 addr, int len,
			const void *val);
/* x2APIC MSRs 0x800…0x8ff and IA32_TSC_DEADLINE: return as kl_msr_get(). */
int kl_lapic_msr_get(struct kl_vcpu *vcpu, u32 msr, u64 *data);
int kl_lapic_msr_set(struct kl_vcpu *vcpu, u32 msr, u64 data, bool host_initiated);
/* CPUID changed: TSC-deadline, x2APIC availability, max LVT. */
void kl_lapic_cpuid_changed(struct kl_vcpu *vcpu);
/* Guest TSC offset or frequency changed: rearm. */
void kl_lapic_tsc_changed(struct kl_vcpu *vcpu);

/*
 * I/O bus. 0: a device (or ioeventfd) took it; -EOPNOTSUPP: nobody, so it goes
 * to user space. The LAPIC's page, which each vCPU has to itself, comes before
 * it and is not on it. Never sleeps; vm->srcu is held for reading, preemption on.
 */
enum kl_bus { KL_BUS_MMIO, KL_BUS_PIO };
int kl_bus_write(struct kl_vcpu *vcpu, enum kl_bus bus, u64 addr, int len,
		 const void *val);
int kl_bus_read(struct kl_vcpu *vcpu, enum kl_bus bus, u64 addr, int len,
		void *val);

/* The ring's page, the same in every vCPU's mapping (KL_COALESCED_PAGE_OFFSET). */
struct page *kl_coalesced_page(struct kl_vm *vm);

/* Raise/lower a GSI (irq_source as KVM's user space sees it: one source). */
int kl_set_gsi(struct kl_vm *vm, u32 gsi, int level);

#endif
