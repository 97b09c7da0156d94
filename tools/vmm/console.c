// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal: raw mode and its escape key, buffered output, and a watch for
 * the text whose first appearance is timed.
 *
 * vCPUs only put bytes into a ring; the main thread alone reads stdin and
 * writes stdout. So a reader that does not read stalls a guest that talks, as
 * a slow line would, but never the escape key or a signal.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/virtlite.h"
#include "vm.h"

#define ESCAPE		0x01	/* Ctrl-a */

/* Below this a line that has not ended waits for its end, but not for long. */
#define FLUSH_BYTES	512
#define FLUSH_MS	5

/* At the end, how long stdout may take to accept the rest. */
#define DRAIN_MS	1000

static void set_mark(struct console *c, const char *mark)
{
	unsigned int len = strlen(mark), k = 0;

	c->mark = mark;
	c->mark_len = len;
	for (unsigned int i = 1; i < len; i++) {
		while (k && mark[i] != mark[k])
			k = c->mark_back[k];
		if (mark[i] == mark[k])
			k++;
		c->mark_back[i + 1] = k;
	}
}

static void watch_mark(struct console *c, char byte)
{
	if (!c->mark_len || c->mark_ns)
		return;
	while (c->mark_matched && byte != c->mark[c->mark_matched])
		c->mark_matched = c->mark_back[c->mark_matched];
	if (byte == c->mark[c->mark_matched])
		c->mark_matched++;
	if (c->mark_matched == c->mark_len) {
		c->mark_tsc = now_tsc();
		c->mark_ns = now_ns();
	}
}

/**
 * console_put() - the guest says a byte
 * @c: console
 * @byte: what it says
 *
 * Never blocks: the caller made sure of room by console_wait_room() before it
 * took any lock. With many vCPUs the ring may still overflow by a few bytes;
 * those are dropped.
 */
void console_put(struct console *c, u8 byte)
{
	bool wake = false;

	pthread_mutex_lock(&c->lock);
	watch_mark(c, byte);
	c->out_last = byte;
	if (!c->out_dead && c->out_count < CONSOLE_OUT_SIZE) {
		c->out[(c->out_head + c->out_count) % CONSOLE_OUT_SIZE] = byte;
		wake = c->out_count++ == 0;
		if (!c->out_due &&
		    (byte == '\n' || c->out_count >= FLUSH_BYTES)) {
			c->out_due = true;
			wake = true;
		}
	}
	pthread_mutex_unlock(&c->lock);
	if (wake)
		vm_wake(c->vm);
}

/**
 * console_wait_room() - wait until there is room in the output ring
 * @c: console
 *
 * Context: a vCPU's thread, without locks. Ends when the VM stops.
 */
void console_wait_room(struct console *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->out_count >= CONSOLE_OUT_SIZE - MAX_CPUS &&
	       !vm_stopping(c->vm))
		pthread_cond_wait(&c->room, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

/**
 * console_release() - let go of all that wait for room
 * @c: console; the VM is already marked as stopping
 */
void console_release(struct console *c)
{
	pthread_mutex_lock(&c->lock);
	pthread_cond_broadcast(&c->room);
	pthread_mutex_unlock(&c->lock);
}

/* Write what is there, once; stdout is known to take something. */
static void write_some(struct console *c)
{
	/* What a terminal surely takes without blocking, once it is ready. */
	u8 buf[256];
	size_t len;
	ssize_t n;

	pthread_mutex_lock(&c->lock);
	len = min_t(size_t, c->out_count, sizeof(buf));
	for (size_t i = 0; i < len; i++)
		buf[i] = c->out[(c->out_head + i) % CONSOLE_OUT_SIZE];
	pthread_mutex_unlock(&c->lock);

	n = write(STDOUT_FILENO, buf, len);

	pthread_mutex_lock(&c->lock);
	if (n < 0 && errno != EINTR && errno != EAGAIN) {
		c->out_dead = true;
		c->out_count = 0;
	} else if (n > 0) {
		c->out_head = (c->out_head + n) % CONSOLE_OUT_SIZE;
		c->out_count -= n;
	}
	if (!c->out_count)
		c->out_due = false;
	pthread_cond_broadcast(&c->room);
	pthread_mutex_unlock(&c->lock);
}

/* Put one byte from a person or a pipe where the guest will find it. */
static void accept_byte(struct console *c, u8 byte)
{
	if (c->raw && !c->in_escape && byte == ESCAPE) {
		c->in_escape = true;
		return;
	}
	if (c->in_escape) {
		c->in_escape = false;
		if (byte == 'x')
			vm_stop(c->vm, VMM_QUIT);
		if (byte != ESCAPE)
			return;
	}
	/* Only a terminal is read without room, for the escape's sake. */
	if (c->in_len < CONSOLE_IN_SIZE)
		c->in[c->in_len++] = byte;
}

static void read_some(struct console *c)
{
	u8 buf[256];
	size_t len = sizeof(buf);
	ssize_t n;

	if (!c->raw)
		len = min_t(size_t, len, CONSOLE_IN_SIZE - c->in_len);
	n = read(STDIN_FILENO, buf, len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		c->in_eof = true;
	for (ssize_t i = 0; i < n; i++)
		accept_byte(c, buf[i]);
}

static void deliver(struct console *c)
{
	size_t n;

	if (!c->in_len)
		return;
	n = serial_receive(&c->vm->serial, c->in, c->in_len);
	c->in_len -= n;
	memmove(c->in, c->in + n, c->in_len);
}

/**
 * console_prepare() - say what the main thread is to wait for
 * @c: console
 * @in: set up for stdin; its fd is -1 if nothing is wanted from there
 * @out: the same for stdout
 *
 * Return: the longest time to wait in milliseconds, or -1.
 */
int console_prepare(struct console *c, struct pollfd *in, struct pollfd *out)
{
	bool want_in, due, waiting;

	want_in = !c->in_eof && (c->raw || c->in_len < CONSOLE_IN_SIZE);
	*in = (struct pollfd){ want_in ? STDIN_FILENO : -1, POLLIN, 0 };

	pthread_mutex_lock(&c->lock);
	due = c->out_due;
	waiting = c->out_count && !due;
	pthread_mutex_unlock(&c->lock);
	*out = (struct pollfd){ due ? STDOUT_FILENO : -1, POLLOUT, 0 };
	return waiting ? FLUSH_MS : -1;
}

/**
 * console_serve() - move bytes after poll() has returned
 * @c: console
 * @in: from console_prepare(), with the result
 * @out: likewise
 * @timed_out: the time that console_prepare() gave has passed
 */
void console_serve(struct console *c, const struct pollfd *in,
		   const struct pollfd *out, bool timed_out)
{
	if (timed_out) {
		pthread_mutex_lock(&c->lock);
		c->out_due = c->out_count;
		pthread_mutex_unlock(&c->lock);
	}
	if (out->fd >= 0 && out->revents)
		write_some(c);
	if (in->fd >= 0 && in->revents)
		read_some(c);
	deliver(c);
}

/**
 * console_init() - take over the terminal
 * @vm: machine
 */
int console_init(struct vm *vm)
{
	struct console *c = &vm->console;
	struct termios t;

	c->vm = vm;
	if (strlen(vm->cfg->mark) > CONSOLE_MARK_MAX)
		return vl_error(E2BIG, "mark");
	set_mark(c, vm->cfg->mark);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->room, NULL);

	if (isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &c->saved)) {
		t = c->saved;
		cfmakeraw(&t);
		c->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
	}
	return 0;
}

/**
 * console_exit() - say the rest and give the terminal back
 * @c: console, also when console_init() never ran
 */
void console_exit(struct console *c)
{
	struct pollfd out = { STDOUT_FILENO, POLLOUT, 0 };

	if (!c->vm)
		return;
	while (c->out_count && poll(&out, 1, DRAIN_MS) > 0)
		write_some(c);
	/* What we say next begins on a line of its own. */
	if (c->out_last && c->out_last != '\n' && isatty(STDOUT_FILENO))
		dprintf(STDOUT_FILENO, "\r\n");
	if (c->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &c->saved);
	pthread_cond_destroy(&c->room);
	pthread_mutex_destroy(&c->lock);
	c->vm = NULL;
}
