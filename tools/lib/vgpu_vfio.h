/* SPDX-License-Identifier: GPL-2.0 */
/* Getting at a slice: VFIO's container and group, or iommufd. */
#ifndef VIRTLITE_LIB_VGPU_VFIO_H
#define VIRTLITE_LIB_VGPU_VFIO_H

#include <stdbool.h>

#include "vgpu_dev.h"

int vl_vfio_group(struct vl_vgpu *d, const char *uuid);
int vl_vfio_iommufd(struct vl_vgpu *d, const char *uuid);

#endif
