/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_DIRTY_RING_H
#define KVMLITE_DIRTY_RING_H

#include <linux/percpu.h>

#include "mmu.h"

struct page;

/* The vCPU that is loaded on this CPU, or NULL. Preemption off. */
DECLARE_PER_CPU(struct kl_vcpu *, kl_running_vcpu);

/* A bit of @slot's bitmap was set: tell the vCPU whose thread this is. */
void kl_dirty_ring_push(const struct kl_memslot *slot, gfn_t gfn);
/* User space must collect before the vCPU goes on. */
bool kl_dirty_ring_full(struct kl_vcpu *vcpu);
long kl_dirty_rings_reset(struct kl_vm *vm);
/* KVM_CAP_DIRTY_LOG_RING: its answer, its argument. */
int kl_dirty_ring_max(void);
long kl_dirty_ring_enable(struct kl_vm *vm, u64 bytes);
/* With the vCPU; vm->lock held. */
int kl_dirty_ring_create(struct kl_vcpu *vcpu);
void kl_dirty_ring_free(struct kl_vcpu *vcpu);
/* What of the vCPU's mapping it takes, from KVM_DIRTY_LOG_PAGE_OFFSET on. */
unsigned long kl_dirty_ring_pages(struct kl_vcpu *vcpu);
struct page *kl_dirty_ring_page(struct kl_vcpu *vcpu, unsigned long index);

#endif
