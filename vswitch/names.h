/* SPDX-License-Identifier: GPL-2.0 */
/* The counters' names, as ethtool -S shows them. */
#ifndef VSWITCH_NAMES_H
#define VSWITCH_NAMES_H

#include <virtlite/vswitch.h>

extern const char *const vsw_stat_names[VSWITCH_NR_STATS];

#endif /* VSWITCH_NAMES_H */
