/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cc/compiler.h"

#include "base/str.h"
#include "base/which.h"
#include "cc/local.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool cc_compiler_is_launcher(const char *word)
{
	return !strcmp(str_base(word), "kfarm-cc");
}

/* The coordinator takes no other; where it is not known it stays. */
static char *absolute_path(const char *file)
{
	char cwd[PATH_MAX];

	if (file[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		return xstrdup(file);
	return xasprintf("%s/%s", cwd, file);
}

/*
 * A copy or a hard link of this program does not look like a wrapper; but then
 * the compiler found is that very file.
 */
static char *refuse_itself(char *compiler, const char *argv0)
{
	if (strcmp(compiler, argv0) != 0)
		return compiler;
	cc_local_complain("%s: leads back to kfarm-cc", argv0);
	free(compiler);
	return NULL;
}

/* A link of somebody else's to one of kfarm's, under a name of their own. */
static char *find_behind_name(const char *name, const char *path)
{
	char *file = which(name, path);
	char *compiler = file ? which_behind(file) : NULL;

	if (!compiler)
		cc_local_complain("%s: no such compiler in PATH", name);
	free(file);
	return compiler;
}

char *cc_compiler_find(char **argv0, bool launched, const char *links,
		       const char *path)
{
	char *compiler = NULL;

	if (strchr(*argv0, '/')) {
		compiler = which_behind(*argv0);
		if (!compiler && launched && !which_is_wrapper(*argv0))
			compiler = absolute_path(*argv0);
	}
	if (compiler) {
		*argv0 = compiler;
		return compiler;
	}
	compiler = which_compiler(str_base(*argv0), path, links);
	if (compiler)
		return refuse_itself(compiler, *argv0);
	compiler = find_behind_name(*argv0, path);
	if (compiler)
		*argv0 = compiler;
	return compiler;
}
