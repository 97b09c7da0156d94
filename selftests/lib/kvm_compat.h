/* SPDX-License-Identifier: GPL-2.0 */
/* ABI numbers newer than the <linux/kvm.h> that the tests are built with. */
#ifndef SELFTESTS_KVM_COMPAT_H
#define SELFTESTS_KVM_COMPAT_H

#include "../../compat/kvm_uapi.h"

#ifndef KVM_API_VERSION
#define KVM_API_VERSION 12
#endif

#endif
