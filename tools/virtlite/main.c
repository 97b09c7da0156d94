// SPDX-License-Identifier: GPL-2.0
/*
 * The one command behind which all of the suite's tools are.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

#ifndef VIRTLITE_VERSION
#define VIRTLITE_VERSION "0.1"
#endif

bool json_output;
bool json_pretty;
const char *cmd_context;

static int do_help(int argc, char **argv);
static int do_version(int argc, char **argv);

static const struct cmd objects[] = {
	{ "vm", do_vm },
	{ "switch", do_switch },
	{ "disk", do_disk },
	{ "gpu", do_gpu },
	{ "status", do_status },
	{ "up", do_up },
	{ "down", do_down },
	{ "help", do_help },
	{ "version", do_version },
	{ NULL, NULL },
};

static int do_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("Usage: virtlite [-j] [-p] OBJECT VERB [ARGUMENTS]\n"
	       "       virtlite OBJECT help\n"
	       "       virtlite [-j] [-p] status\n"
	       "       virtlite [-j] [-p] up | down FILE.json\n"
	       "\n"
	       "OBJECT := vm | switch | disk | gpu | help | version\n"
	       "  -j, --json     results as JSON\n"
	       "  -p, --pretty   the same, indented\n"
	       "  -V, --version  print the version\n"
	       "  -h, --help     print this\n");
	return 0;
}

static int do_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	if (json_output) {
		json_object *o = json_object_new_object();

		json_object_object_add(o, "version",
				       json_object_new_string(VIRTLITE_VERSION));
		cmd_print_json(o);
	} else {
		printf("virtlite %s\n", VIRTLITE_VERSION);
	}
	return 0;
}

/**
 * cmd_error() - say that a command line makes no sense
 * @fmt: what is wrong with it
 *
 * Return: exit status.
 */
int cmd_error(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "virtlite: %s%s", cmd_context ? cmd_context : "", cmd_context ? ": " : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/**
 * cmd_print_json() - print a result
 * @o: result; the reference is consumed
 */
void cmd_print_json(json_object *o)
{
	puts(json_object_to_json_string_ext(o, json_pretty ?
					    JSON_C_TO_STRING_PRETTY :
					    JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

/**
 * cmd_select() - find a name in a table and run its entry
 * @table: names
 * @argc: number of words
 * @argv: words, the name first; without any, @help is run
 * @help: run when nothing else is asked for
 * @what: what the names are, for the message
 *
 * Return: exit status.
 */
int cmd_select(const struct cmd *table, int argc, char **argv,
	       int (*help)(int argc, char **argv), const char *what)
{
	const struct cmd *found = NULL;

	if (argc < 1)
		return help(argc, argv);
	for (const struct cmd *c = table; c->name; c++) {
		if (!strcmp(c->name, argv[0]))
			return c->run(argc, argv);
		if (*argv[0] && !strncmp(c->name, argv[0], strlen(argv[0]))) {
			if (found)
				return cmd_error("%s \"%s\": \"%s\" or \"%s\"?",
						 what, argv[0], found->name,
						 c->name);
			found = c;
		}
	}
	if (!found)
		return cmd_error("unknown %s \"%s\" (try \"help\")", what,
				 argv[0]);
	return found->run(argc, argv);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	int opt;

	/* "+": options after the object are the verb's. */
	while ((opt = getopt_long(argc, argv, "+jpVh", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			json_pretty = true;
			fallthrough;
		case 'j':
			json_output = true;
			break;
		case 'V':
			return do_version(0, NULL);
		case 'h':
			return do_help(0, NULL);
		default:
			return EXIT_USAGE;
		}
	}
	return cmd_select(objects, argc - optind, argv + optind, do_help,
			  "object");
}
