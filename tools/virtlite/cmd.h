/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command line: `virtlite OBJECT VERB …`.
 */
#ifndef VIRTLITE_CMD_H
#define VIRTLITE_CMD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define fallthrough	__attribute__((__fallthrough__))

/* Exit status of a command line that makes no sense. */
#define EXIT_USAGE	2

/**
 * struct cmd - an entry of a dispatch table
 * @name: what people type; any unambiguous beginning will do
 * @run: called with what follows the name, its name first
 *
 * A table ends with an entry without a name.
 */
struct cmd {
	const char *name;
	int (*run)(int argc, char **argv);
};

extern bool json_output;
extern bool json_pretty;
/* What the words of a command line come from, if it is not the command line. */
extern const char *cmd_context;

int cmd_select(const struct cmd *table, int argc, char **argv,
	       int (*help)(int argc, char **argv), const char *what);
int cmd_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cmd_print_json(json_object *o);

/* One file per object. */
int do_vm(int argc, char **argv);
int do_switch(int argc, char **argv);
int do_disk(int argc, char **argv);
int do_gpu(int argc, char **argv);

/* All of them together. */
int do_status(int argc, char **argv);
int do_up(int argc, char **argv);
int do_down(int argc, char **argv);

#endif /* VIRTLITE_CMD_H */
