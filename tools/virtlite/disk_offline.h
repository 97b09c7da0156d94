/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The verbs of `virtlite disk` that work on images without the module.
 */
#ifndef VIRTLITE_DISK_OFFLINE_H
#define VIRTLITE_DISK_OFFLINE_H

#include "../image/image.h"
#include "cmd.h"

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

/**
 * struct progress - a bar on standard error
 * @what: text in front of it
 * @total: what is 100 %
 * @shown: there is a bar, or will be
 * @last: when it was drawn, in ms
 */
struct progress {
	const char *what;
	uint64_t total;
	bool shown;
	uint64_t last;
};

void progress_begin(struct progress *p, const char *what, uint64_t total, bool always);
void progress_at(struct progress *p, uint64_t done);
void progress_end(struct progress *p);

#endif
