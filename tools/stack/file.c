// SPDX-License-Identifier: GPL-2.0
/*
 * A file of JSON, and where in it something is wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/virtlite.h"
#include "stack.h"

/* More is no description that a person wrote. */
#define FILE_MAX	1048576

static char *read_all(const char *path, size_t *len)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = f ? malloc(FILE_MAX) : NULL;
	int err = errno;

	if (text) {
		errno = 0;
		*len = fread(text, 1, FILE_MAX, f);
		err = ferror(f) ? errno : *len == FILE_MAX ? EFBIG : 0;
	}
	if (f && f != stdin)
		fclose(f);
	if (!err && text)
		return text;
	free(text);
	vl_error(err, "%s", path);
	return NULL;
}

static unsigned int line_at(const char *text, size_t at)
{
	unsigned int line = 1;

	while (at--)
		line += *text++ == '\n';
	return line;
}

/* Of a JSON text, which has one value and no more than spaces behind it. */
static json_object *parse(const char *path, const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	enum json_tokener_error err;
	json_object *root;
	size_t end;

	if (!tok) {
		vl_error(ENOMEM, "%s", path);
		return NULL;
	}
	root = json_tokener_parse_ex(tok, text, len);
	err = json_tokener_get_error(tok);
	end = json_tokener_get_parse_end(tok);
	if (!root && err == json_tokener_continue)
		vl_error(0, "%s:%u: it ends too early: a bracket or quote is missing", path,
			 line_at(text, len));
	else if (!root)
		vl_error(0, "%s:%u: %s", path, line_at(text, end), json_tokener_error_desc(err));
	while (root && end < len && strchr(" \t\r\n", text[end]))
		end++;
	if (root && end < len) {
		vl_error(0, "%s:%u: something follows the object", path, line_at(text, end));
		json_object_put(root);
		root = NULL;
	}
	json_tokener_free(tok);
	return root;
}

/**
 * stack_read() - read a file of JSON
 * @path: file, or "-" for standard input
 *
 * Return: what it holds, or NULL with a message that has the file's name in it.
 */
json_object *stack_read(const char *path)
{
	size_t len = 0;
	char *text = read_all(path, &len);
	json_object *root = text ? parse(path, text, len) : NULL;

	free(text);
	return root;
}
