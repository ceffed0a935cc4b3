/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/main.c - Attacks on a node, one per case.
 *
 *	attack WORK CANARY STORE EVIL COMPILER GROUPS KFARMD...
 *
 * CANARY is a file on the node with a secret word, which must not be in any
 * result of a job.  GROUPS is a list of arguments, sources, programs, views,
 * store, tools, space.  KFARMD... starts the node.  Each group first plants a
 * failure that it must report, to validate its checks.  The last lines are "N
 * cases, N leaks" and "N passed, N failed".
 */
#include "client.h"

#include "base/fs.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scene_result(struct scene *s, const char *name, bool ok, const char *fmt,
		  ...)
{
	va_list ap;

	if (s->control) {
		s->found += !ok;
		return;
	}
	s->cases++;
	if (ok) {
		printf("ok    %s\n", name);
		return;
	}
	s->bad++;
	printf("FAIL  %s: ", name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void scene_control(struct scene *s)
{
	s->control = true;
	s->found = 0;
}

void scene_control_end(struct scene *s, const char *planted)
{
	char *name = xasprintf("control: %s is noticed", planted);

	s->control = false;
	scene_result(s, name, s->found > 0, "it is not");
	free(name);
}

bool scene_leaks(struct scene *s, const char *name, const struct node *n,
		 const struct answer *a)
{
	if (!answer_holds(n, a, s->secret))
		return false;
	s->leaks += !s->control;
	scene_result(s, name, false, "the secret came out");
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct scene *s);
	} groups[] = {
		{ "arguments", attack_arguments },
		{ "sources", attack_sources },
		{ "programs", attack_programs },
		{ "views", attack_views },
		{ "store", attack_store },
		{ "tools", attack_tools },
		{ "space", attack_space },
	};
	struct scene s = { 0 };
	struct err err = { 0 };
	struct buf secret = { 0 };
	char *env[] = { NULL };

	if (argc < 8)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	s.work = argv[1];
	s.canary = argv[2];
	s.store = argv[3];
	s.evil = argv[4];
	s.kfarmd = argv + 7;
	if (fs_read(s.canary, 4096, &secret, &err) ||
	    compiler_manifest_make(&s.gcc, argv[5], env, &err)) {
		fprintf(stderr, "attack: %s\n", err.text);
		return 2;
	}
	s.secret = buf_str(&secret);
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (strstr(argv[6], groups[i].name))
			groups[i].run(&s);
	compiler_manifest_release(&s.gcc);
	buf_release(&secret);
	printf("%u cases, %u leaks\n", s.cases, s.leaks);
	printf("%u passed, %u failed\n", s.cases - s.bad, s.bad);
	return s.bad || s.leaks;
}
