/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KVMLITE_PARAM_H
#define KVMLITE_PARAM_H

/* Module parameters: what each may be is in param.c and Documentation/kvmlite.rst. */
extern unsigned int kl_param_large_pages;
extern unsigned int kl_param_max_vms;
extern unsigned int kl_param_min_timer_us;

#endif
