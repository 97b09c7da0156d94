/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one file that knows about kernel versions. The suite is written to the
 * newest kernel's interfaces; what an older one lacks or calls otherwise is
 * filled in here, each entry with the version at which it can be deleted.
 */
#ifndef VIRTLITE_COMPAT_H
#define VIRTLITE_COMPAT_H

#include <linux/version.h>

#endif /* VIRTLITE_COMPAT_H */
