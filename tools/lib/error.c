// SPDX-License-Identifier: GPL-2.0
/*
 * One line of text per failure, kept per thread.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "virtlite.h"

static __thread char message[512];

/**
 * vl_error() - remember why something failed
 * @err: positive errno; its text is appended. 0 means that @fmt says it all,
 *	 and the result is -EINVAL
 * @fmt: printf format of the message, without a final newline
 *
 * Return: -@err, to be returned by the caller.
 */
int vl_error(int err, const char *fmt, ...)
{
	char text[sizeof(message)];
	va_list ap;

	/* Formatted aside: an argument may be the previous message itself. */
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	if (err)
		snprintf(message, sizeof(message), "%.400s: %s", text,
			 strerror(err));
	else
		snprintf(message, sizeof(message), "%s", text);

	return err ? -err : -EINVAL;
}

/**
 * vl_message() - text of this thread's last failure
 */
const char *vl_message(void)
{
	return message[0] ? message : "unknown error";
}

/**
 * vl_ioctl_named() - an ioctl whose failure is remembered with its name
 * @fd: descriptor
 * @req: request number
 * @arg: argument, passed on
 * @name: what the message calls it
 *
 * Not restarted on EINTR: for KVM_RUN that is a result, not a failure.
 *
 * Return: the ioctl's result, or -errno.
 */
int vl_ioctl_named(int fd, unsigned long req, unsigned long arg,
		   const char *name)
{
	int ret = ioctl(fd, req, arg);

	return ret < 0 ? vl_error(errno, "%s", name) : ret;
}
