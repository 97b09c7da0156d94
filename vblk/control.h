/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VB_CONTROL_H
#define VB_CONTROL_H

int vb_control_init(void);
void vb_control_exit(void);

#endif
