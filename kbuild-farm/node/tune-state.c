/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/tune-state.h"

#include "base/printable.h"
#include "base/str.h"
#include "base/vec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 4096 /* a 256-core machine has some 2,000 */

/* Letters, digits and some signs; `more` are others that may be in it. */
static bool is_shell_word(const char *s, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) ||
	       (s[n] && strchr("_.:,@+-", s[n])) ||
	       (s[n] && strchr(more, s[n])))
		n++;
	return n && !s[n] && n < 1024;
}

static bool is_sys_path(const char *s)
{
	return str_starts(s, "/sys/") && is_shell_word(s, "/") &&
	       !strstr(s, "..");
}

/* A copy without what a terminal would obey, and without blanks behind. */
static char *clean_copy(const char *s)
{
	char *copy = xstrdup(s);
	size_t n = strlen(copy);

	printable_clean(copy, n, 0, '?');
	while (n && copy[n - 1] == ' ')
		copy[--n] = '\0';
	return copy;
}

static void keep_clean(char **at, const char *text)
{
	free(*at);
	*at = clean_copy(text);
}

static void keep_file(struct tune_file *f, const char *path, const char *value,
		      bool writable)
{
	f->path = xstrdup(path);
	f->value = clean_copy(value);
	f->writable = writable;
}

/* `said`: "absent", or the unit and what it is. */
static void keep_service(struct tune_state *s, const char *name,
			 const char *said)
{
	struct tune_service *service = VEC_ADD(s->services, s->n_services);
	size_t n = strcspn(said, " ");
	char *unit = xstrndup(said, n);

	service->name = clean_copy(name);
	service->state = clean_copy(said[n] ? said + n + 1 : "");
	if (strcmp(said, "absent") && is_shell_word(unit, "\\") &&
	    unit[0] != '-')
		service->unit = xstrdup(unit);
	free(unit);
}

static void read_state_fields(struct tune_state *s, const char *kind,
			      const char *second, const char *third)
{
	if (is_sys_path(kind))
		keep_file(VEC_ADD(s->v, s->n), kind, third,
			  !strcmp(second, "w"));
	else if (!strcmp(kind, "model"))
		keep_clean(&s->model, second);
	else if (!strcmp(kind, "kernel"))
		keep_clean(&s->kernel, second);
	else if (!strcmp(kind, "start"))
		keep_clean(&s->start, second);
	else if (!strcmp(kind, "service"))
		keep_service(s, second, third);
	else if ((!strcmp(kind, "before-file") && is_sys_path(second)) ||
		 (!strcmp(kind, "before-service") &&
		  is_shell_word(second, "\\")))
		keep_file(VEC_ADD(s->before, s->n_before), second, third, true);
}

static void read_state_line(struct tune_state *s, char *line)
{
	char *second = strchr(line, '\t');
	char *third = second ? strchr(second + 1, '\t') : NULL;

	if (!third)
		return;
	*second++ = *third++ = '\0';
	read_state_fields(s, line, second, third);
}

int tune_state_read(struct tune_state *s, struct bytes said, struct err *err)
{
	char *text = xstrndup((const char *)said.data, said.len);
	struct strv lines = { 0 };
	bool ended = false;
	int ret = 0;

	*s = (struct tune_state){ 0 };
	strv_split(&lines, text, "\n");
	free(text);
	for (size_t i = 0; !ret && i < lines.n && !ended; i++) {
		ended = !strcmp(lines.v[i], "end");
		read_state_line(s, lines.v[i]);
		if (s->n + s->n_services + s->n_before > FILES_MAX)
			ret = err_set(err, E2BIG,
				      "it has more than %d files to set",
				      FILES_MAX);
	}
	strv_release(&lines);
	if (!ret && !ended)
		ret = err_set(err, EPROTO,
			      "what it says of its files breaks off");
	if (ret)
		tune_state_release(s);
	return ret;
}

static void release_tune_files(struct tune_file *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].value);
	}
	free(v);
}

void tune_state_release(struct tune_state *s)
{
	free(s->model);
	free(s->kernel);
	free(s->start);
	release_tune_files(s->v, s->n);
	release_tune_files(s->before, s->n_before);
	for (size_t i = 0; i < s->n_services; i++) {
		free(s->services[i].name);
		free(s->services[i].unit);
		free(s->services[i].state);
	}
	free(s->services);
	*s = (struct tune_state){ 0 };
}

const struct tune_file *tune_state_get(const struct tune_state *s,
				       const char *path)
{
	for (size_t i = 0; i < s->n; i++) {
		if (!strcmp(s->v[i].path, path))
			return &s->v[i];
	}
	return NULL;
}
