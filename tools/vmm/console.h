/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <poll.h>
#include <pthread.h>
#include <termios.h>

#include "types.h"

struct vm;

#define CONSOLE_OUT_SIZE	65536
#define CONSOLE_IN_SIZE		1024
#define CONSOLE_MARK_MAX	255

/**
 * struct console - this process's stdin and stdout, as the guest's terminal
 * @vm: machine
 * @raw: stdin is a terminal that we switched to raw mode
 * @saved: how it was before
 *
 * @in: bytes read from stdin that the UART has no room for; as all of the input
 *	side, touched by the main thread alone
 * @in_len: how many
 * @in_eof: stdin has ended
 * @in_escape: Ctrl-a was typed
 *
 * @lock: protects the rest
 * @room: signalled when @out has room again, or the VM stops
 * @out: ring of bytes for stdout: vCPUs put, the main thread writes
 * @out_head: oldest byte in it
 * @out_count: bytes in it
 * @out_due: write now rather than wait for the end of the line
 * @out_last: byte that was put last
 * @out_dead: stdout is gone; what the guest says is dropped
 * @mark: text to watch for
 * @mark_len: its length, 0 if there is none
 * @mark_back: for each length of a partial match, the next shorter one
 * @mark_matched: how much of it the output ends with
 * @mark_ns: CLOCK_MONOTONIC when it had appeared, or 0
 * @mark_tsc: time stamp counter then
 */
struct console {
	struct vm *vm;
	bool raw;
	struct termios saved;

	u8 in[CONSOLE_IN_SIZE];
	size_t in_len;
	bool in_eof;
	bool in_escape;

	pthread_mutex_t lock;
	pthread_cond_t room;
	u8 out[CONSOLE_OUT_SIZE];
	size_t out_head;
	size_t out_count;
	bool out_due;
	u8 out_last;
	bool out_dead;
	const char *mark;
	u8 mark_len;
	u8 mark_back[CONSOLE_MARK_MAX + 1];
	u8 mark_matched;
	u64 mark_ns;
	u64 mark_tsc;
};

int console_init(struct vm *vm);
void console_exit(struct console *c);
void console_put(struct console *c, u8 byte);
void console_wait_room(struct console *c);
void console_release(struct console *c);

int console_prepare(struct console *c, struct pollfd *in, struct pollfd *out);
void console_serve(struct console *c, const struct pollfd *in,
		   const struct pollfd *out, bool timed_out);

#endif /* VMM_CONSOLE_H */
