/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_SREGS_H
#define KVMLITE_SREGS_H

#include <linux/kvm.h>

#include "kvm_uapi.h"
#include "vcpu.h"

void kl_get_sregs(struct kl_vcpu *vcpu, struct kvm_sregs *s);
long kl_set_sregs(struct kl_vcpu *vcpu, const struct kvm_sregs *s);
void kl_get_sregs2(struct kl_vcpu *vcpu, struct kvm_sregs2 *s);
long kl_set_sregs2(struct kl_vcpu *vcpu, const struct kvm_sregs2 *s);

#endif
