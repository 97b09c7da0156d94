/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_SVM_SEG_H
#define KVMLITE_SVM_SEG_H

#include "../pure.h"

struct kvm_segment;

u16 kl_svm_pack_attrib(const struct kvm_segment *var);
void kl_svm_unpack_attrib(u16 attrib, struct kvm_segment *var);

#endif
