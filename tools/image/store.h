/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where an image or a raw disk is kept: a file, a block device, or what a test puts
 * in its place. Results are 0 or -errno with a message (virtlite.h).
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct store - bytes somewhere
 * @read: all of the bytes asked for; what lies beyond the end reads as zeroes
 * @write: all of them
 * @flush: returns when all that was written is durable
 * @punch: the range may become zeroes and give its space back; an error is none
 * @name: for messages
 * @bytes: size
 */
struct store {
	int (*read)(struct store *s, void *buf, size_t n, uint64_t pos);
	int (*write)(struct store *s, const void *buf, size_t n, uint64_t pos);
	int (*flush)(struct store *s);
	void (*punch)(struct store *s, uint64_t n, uint64_t pos);
	const char *name;
	uint64_t bytes;
};

/**
 * struct file_store - a store in a file or on a block device
 * @s: its functions
 * @fd: open file
 * @block_device: it is one
 */
struct file_store {
	struct store s;
	int fd;
	bool block_device;
};

int store_open(struct file_store *f, const char *path, int flags);
int store_resize(struct file_store *f, uint64_t bytes);
int store_data(struct file_store *f, uint64_t pos, uint64_t *start, uint64_t *end);
int store_close(struct file_store *f);

#endif
