/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VG_CONTROL_H
#define VG_CONTROL_H

int vg_control_init(void);
void vg_control_exit(void);

#endif
