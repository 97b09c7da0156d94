/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_MMIO_H
#define KVMLITE_MMIO_H

struct kl_vcpu;

int kl_mmio_alloc(struct kl_vcpu *vcpu);
void kl_mmio_free(struct kl_vcpu *vcpu);

#endif
