/* SPDX-License-Identifier: GPL-2.0 */
/* Disks for tests: short ways to the ioctls, and I/O whose content is known. */
#ifndef SELFTESTS_DISK_H
#define SELFTESTS_DISK_H

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <virtlite/vblk.h>

#include "test.h"

#define KIB	1024ULL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)
#define SECOND	1000000000ULL

/* Without reads ahead: a test counts what it asks for. */
#define PLAIN	(O_RDWR | O_DIRECT | O_CLOEXEC)

int control(void);
void fresh(void);

struct vblk_attach attach_args(uint32_t backing, int fd);
int try_attach(struct vblk_attach *a);
int attach_ram(uint64_t bytes);
int attach_fd(uint32_t backing, int fd, uint32_t flags);
int try_detach(int id, uint32_t flags);
void detach(int id);
int try_resize(int id, uint64_t bytes, uint32_t flags);
struct vblk_query query(int id);
struct vblk_stats stats(int id);
int set_fault(int id, uint32_t kind, uint32_t ops, struct vblk_fault more);
uint64_t clear_fault(int id);
int listen_to(int id);
bool next_event(int fd, uint32_t type, unsigned int ms, struct vblk_event *e);

void node(int id, char path[32]);
int disk_open(int id, int flags);
uint64_t disk_bytes(int fd);
int memfd(uint64_t bytes);

void *io_buffer(size_t bytes);
void fill(void *buf, size_t bytes, uint64_t pos, unsigned int generation);
bool same(const void *buf, size_t bytes, uint64_t pos, unsigned int generation);
bool zeroes(const void *buf, size_t bytes);
void put(int fd, uint64_t pos, size_t bytes, unsigned int generation);
#define EXPECT(fd, pos, bytes, generation) \
	expect(__FILE__, __LINE__, fd, pos, bytes, generation)
/* generation 0: zeroes */
void expect(const char *file, int line, int fd, uint64_t pos, size_t bytes,
	    unsigned int generation);

int run_program(const char *path, char *const argv[]);
void ext4_on(int id, const char *dir);
void leave_dir(const char *dir);
int file_on(const char *dir, const char *name, uint64_t bytes);

uint64_t now_ns(void);
void sleep_ms(unsigned int ms);

#endif
