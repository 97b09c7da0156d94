// SPDX-License-Identifier: GPL-2.0
/*
 * From an object's description to the words that the verb which makes it knows: every
 * option has one name, on the command line and in a file, and one place that reads it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "stack.h"

/**
 * stack_word() - one word more
 * @w: words; a NULL follows the last
 * @fmt: printf format of the word
 */
int stack_word(struct stack_words *w, const char *fmt, ...)
{
	char **more = w->argv;
	va_list ap;
	int n;

	if ((size_t)w->argc + 2 > w->room) {
		more = reallocarray(w->argv, w->room + 32, sizeof(*more));
		if (!more)
			return vl_error(ENOMEM, "words");
		w->argv = more;
		w->room += 32;
	}
	va_start(ap, fmt);
	n = vasprintf(&w->argv[w->argc], fmt, ap);
	va_end(ap);
	if (n < 0) {
		w->argv[w->argc] = NULL;
		return vl_error(ENOMEM, "words");
	}
	w->argv[++w->argc] = NULL;
	return 0;
}

/**
 * stack_words_free() - forget all words
 * @w: words
 */
void stack_words_free(struct stack_words *w)
{
	while (w->argc)
		free(w->argv[--w->argc]);
	free(w->argv);
	*w = (struct stack_words){};
}

/* What is no option of the verb, by kind. */
static bool own_key(enum stack_kind kind, const char *key)
{
	static const char *const keys[STACK_NR_KINDS][4] = {
		[STACK_PORT] = { "kind" },
		[STACK_SLICE] = { "type", "uuid" },
		[STACK_GUEST] = { "disks", "nics", "log" },
	};

	if (!strcmp(key, "name") || !strcmp(key, "comment"))
		return true;
	for (int i = 0; i < 4 && keys[kind][i]; i++)
		if (!strcmp(keys[kind][i], key))
			return true;
	return false;
}

/* A word that has no value; those of the other ports and switches are on or off. */
static bool is_bare(const char *key)
{
	static const char *const bare[] = { "transparent", "promiscuous", "isolated", NULL };
	int i = 0;

	while (bare[i] && strcmp(bare[i], key))
		i++;
	return bare[i];
}

/**
 * stack_options() - the words for an object's options
 * @w: where they go
 * @o: object
 * @dashes: what comes before an option's name: "--", where true stands for an option
 *	without a value and false for none; or "", where they are on and off
 */
int stack_options(struct stack_words *w, const struct stack_object *o, const char *dashes)
{
	json_object_object_foreach(o->said, key, v) {
		bool flag = json_object_is_type(v, json_type_boolean);
		bool on = flag && json_object_get_boolean(v);
		int ret;

		if (own_key(o->kind, key))
			continue;
		if (flag && !on && (*dashes || is_bare(key)))
			continue;
		ret = stack_word(w, "%s%s", dashes, key);
		if (!ret && flag && !*dashes && !is_bare(key))
			ret = stack_word(w, "%s", on ? "on" : "off");
		else if (!ret && !flag)
			ret = stack_word(w, "%s", json_object_get_string(v));
		if (ret)
			return ret;
	}
	return 0;
}
