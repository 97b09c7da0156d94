/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VIRTLITE_COMPAT_VFIO_H
#define VIRTLITE_COMPAT_VFIO_H

/* compat.h's counterpart for VFIO and what goes with it, which vgpu_mdev alone needs. */

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/version.h>
#include <linux/vfio.h>

#include "compat_mm.h"

/* What iommufd calls; a kernel that has it takes no device without. */
#if KERNEL_VERSION(6, 6, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define COMPAT_VFIO_IOMMUFD_OPS
#else
#define COMPAT_VFIO_IOMMUFD_OPS						\
	.bind_iommufd = vfio_iommufd_emulated_bind,			\
	.unbind_iommufd = vfio_iommufd_emulated_unbind,			\
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,		\
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
#endif

/* vfio_device_ops::release: the core frees the device itself from 6.2 on. */
#if KERNEL_VERSION(6, 2, 0) > LINUX_VERSION_CODE	/* delete with 6.1 */
#define compat_vfio_free_device(vdev) vfio_free_device(vdev)
#else
#define compat_vfio_free_device(vdev) ((void)(vdev))
#endif

#if KERNEL_VERSION(6, 13, 0) > LINUX_VERSION_CODE	/* delete with 6.12 */
#define COMPAT_IMPORT_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
#else
#define COMPAT_IMPORT_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#endif

#endif
