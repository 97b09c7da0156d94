/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_COMPAT_ASM_H
#define VIRTLITE_COMPAT_ASM_H

/* compat.h's counterpart for assembly files. */

#include <asm/nospec-branch.h>

#ifndef UNTRAIN_RET_VM			/* delete with 6.1 */
#define UNTRAIN_RET_VM UNTRAIN_RET
#endif

#endif
