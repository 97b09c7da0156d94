/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_COMPAT_ASM_H
#define VIRTLITE_COMPAT_ASM_H

/* compat.h's counterpart for assembly files. */

#include <asm/nospec-branch.h>

/* delete with 6.1, whose UNTRAIN_RET is that of the way in from user space */
#ifndef UNTRAIN_RET_VM
.macro UNTRAIN_RET_VM
	UNTRAIN_RET
	ALTERNATIVE "", "call entry_ibpb", X86_FEATURE_IBPB_ON_VMEXIT
.endm
#endif

/* Mitigations that a kernel does not know, it does not want either. */
#ifndef VM_CLEAR_CPU_BUFFERS
#define VM_CLEAR_CPU_BUFFERS
#endif
#ifdef X86_FEATURE_CLEAR_BHB_LOOP_ON_VMEXIT
#define COMPAT_CLEAR_BHB_VMEXIT CLEAR_BRANCH_HISTORY_VMEXIT
#else
#define COMPAT_CLEAR_BHB_VMEXIT
#endif

#endif
