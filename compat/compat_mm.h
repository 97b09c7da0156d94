/* SPDX-License-Identifier: GPL-2.0 */
/* What older kernels lack for drivers that map memory. See compat.h. */
#ifndef VIRTLITE_COMPAT_MM_H
#define VIRTLITE_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/version.h>

#if KERNEL_VERSION(6, 3, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}
#endif

#endif
