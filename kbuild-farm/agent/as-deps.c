/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/as-deps.h"

#include "agent/argv.h"
#include "base/buf.h"
#include "base/str.h"
#include "cell/cell.h"

#include <stdlib.h>
#include <string.h>

/*
 * The next name of a rule's list, unquoted as make reads it, in `out`.
 * Returns what is left; `out` is empty at the end.
 */
static const char *next_name(const char *at, struct buf *out)
{
	buf_reset(out);
	for (;;) {
		at += strspn(at, " \t\n\r");
		if (at[0] != '\\' || at[1] != '\n')
			break;
		at += 2;
	}
	while (*at && !strchr(" \t\n\r", *at)) {
		if (at[0] == '\\' && at[1] && strchr(" \t#\\", at[1]))
			at++;
		else if (at[0] == '$' && at[1] == '$')
			at++;
		else if (at[0] == '\\' && at[1] == '\n')
			break;
		buf_add(out, at++, 1);
	}
	return at;
}

/* A name that gcc gives its temporaries: CELL_TMP/ccXXXXXX.s */
static bool is_temporary(const char *name)
{
	static const char dir[] = CELL_TMP "/";

	if (!str_starts(name, dir))
		return false;
	name += strlen(dir);
	return str_starts(name, "cc") && str_ends(name, ".s") &&
	       !strchr(name, '/');
}

/*
 * A bare name is looked up in the job's directory alone, where nothing else
 * than these stands, since no flag that is allowed writes more: other names
 * were not read.
 */
static bool was_read(const char *name)
{
	static const char *const there[] = { "in.i", "in.s", AGENT_OBJECT,
					     AGENT_READ };

	if (strchr(name, '/'))
		return true;
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
		if (str_equal(name, there[i]))
			return true;
	}
	return false;
}

char *agent_as_deps_check(struct bytes in, const char *text)
{
	static const char target[] = "out.o:";
	char *list = bytes_dup(in), *found = NULL;
	const char *at = list + strlen(target);
	struct buf name = { 0 };

	if (!str_starts(list, target) || strlen(list) != in.len) {
		free(list);
		return xstrdup("the assembler did not say what it read");
	}
	while (!found) {
		const char *s;

		at = next_name(at, &name);
		s = buf_str(&name);
		if (!*s)
			break;
		if (text ? str_equal(s, text) : is_temporary(s))
			continue;
		if (was_read(s))
			found = xasprintf("the assembler read %s", s);
	}
	buf_release(&name);
	free(list);
	return found;
}
