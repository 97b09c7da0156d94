/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verbs of `virtlite disk` that work on images without the module.
 */
#ifndef VIRTLITE_DISK_OFFLINE_H
#define VIRTLITE_DISK_OFFLINE_H

#include "../image/image.h"
#include "cmd.h"
#include "progress.h"

/* Exit status of check and repair: the image is damaged. */
#define EXIT_DAMAGED	3

int do_image_create(int argc, char **argv);
int do_image_convert(int argc, char **argv);
int do_image_check(int argc, char **argv);
int do_image_repair(int argc, char **argv);
int do_image_dump(int argc, char **argv);

int image_failed(void);
int image_choose(struct img *im, const char *name, struct img_volume *v);
const char *image_state(const struct img_volume *v);

#endif
