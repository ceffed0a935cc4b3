/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/sources.c - Hostile sources for an honest compiler.  CANARY in them
 * stands for the file with the secret.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source {
	const char *name;
	uint8_t lang;
	const char *text;
};

static const struct source sources[] = {
	{ "#include", WIRE_LANG_C, "#include \"CANARY\"\n" },
	{ "#include <>", WIRE_LANG_C, "#include <CANARY>\n" },
	{ "#include by climbing", WIRE_LANG_C,
	  "#include \"../../../../../../../../CANARY\"\n" },
	{ "#include of the environment", WIRE_LANG_C,
	  "#include \"/proc/self/environ\"\n" },
	{ "#include of init's environment", WIRE_LANG_C,
	  "#include \"/proc/1/environ\"\n" },
	{ "#include of mounts", WIRE_LANG_C, "#include \"/proc/mounts\"\n" },
	{ "#include of a root", WIRE_LANG_C,
	  "#include \"/proc/1/rootCANARY\"\n" },
	{ "#include of a descriptor", WIRE_LANG_C,
	  "#include \"/proc/self/fd/3\"\n" },
	{ "#include of shadow", WIRE_LANG_C, "#include \"/etc/shadow\"\n" },
	{ "#include of a computed name", WIRE_LANG_C,
	  "#define S(x) #x\n#define N(x) S(x)\n#include N(CANARY)\n" },
	{ "#include_next", WIRE_LANG_C, "#include_next \"CANARY\"\n" },
	{ "#import", WIRE_LANG_C, "#import \"CANARY\"\n" },
	{ "__has_include", WIRE_LANG_C,
	  "#if __has_include(\"CANARY\")\n#error SECRETSEEN\n#endif\nint x;\n" },
	{ "line marker and an error", WIRE_LANG_C,
	  "# 1 \"CANARY\"\nint x = y;\n# 2 \"CANARY\"\nint z = u;\n" },
	{ "#line and an error", WIRE_LANG_C,
	  "#line 1 \"CANARY\"\nint x = y;\n" },
	{ "#pragma GCC dependency", WIRE_LANG_C,
	  "#pragma GCC dependency \"CANARY\"\nint x;\n" },
	{ "#pragma GCC pch_preprocess", WIRE_LANG_C,
	  "#pragma GCC pch_preprocess \"CANARY\"\n" },
	{ ".incbin", WIRE_LANG_C, "asm(\".incbin \\\"CANARY\\\"\");\n" },
	{ ".incbin of shadow", WIRE_LANG_C,
	  "asm(\".incbin \\\"/etc/shadow\\\"\");\n" },
	{ ".incbin pasted", WIRE_LANG_C,
	  "asm(\".inc\" \"bin \\\"CANARY\\\"\");\n" },
	{ ".incbin by macro", WIRE_LANG_C,
	  "asm(\".macro m a\\n.\\\\a \\\"CANARY\\\"\\n.endm\\nm incbin\");\n" },
	{ ".incbin of zero", WIRE_LANG_C,
	  "asm(\".incbin \\\"/dev/zero\\\", 0, 1 << 40\");\n" },
	{ ".include", WIRE_LANG_C, "asm(\".include \\\"CANARY\\\"\");\n" },
	{ ".include in .S", WIRE_LANG_ASM, ".include \"CANARY\"\n" },
	{ ".incbin in .S", WIRE_LANG_ASM, ".incbin \"CANARY\"\n" },
	{ "#include in .S", WIRE_LANG_ASM, "#include \"CANARY\"\n" },
	{ ".include in .s", WIRE_LANG_PLAIN_ASM, ".include \"CANARY\"\n" },
	{ ".incbin in .s", WIRE_LANG_PLAIN_ASM, ".incbin \"CANARY\"\n" },
	{ ".incbin of the environment in .s", WIRE_LANG_PLAIN_ASM,
	  ".incbin \"/proc/self/environ\"\n" },
	{ ".incbin by climbing in .s", WIRE_LANG_PLAIN_ASM,
	  ".macro m a, b\n.\\a\\b \"../../../../../../..CANARY\"\n.endm\n"
	  "m inc, bin\n" },
	{ ".incbin through .rept", WIRE_LANG_ASM,
	  ".rept 3\n.incbin \"CANARY\", \\+, 10\n.endr\n" },
	{ ".file of the assembler", WIRE_LANG_ASM,
	  ".file 1 \"CANARY\"\n.loc 1 1 1\nnop\n.error \"x\"\n" },
	{ ".dump of the assembler", WIRE_LANG_ASM, ".print \"x\"\n.err\n" },
	{ "a link to it", WIRE_LANG_C, "#include \"/tree/to-canary\"\n" },
	{ "a directory link to it", WIRE_LANG_C,
	  "#include \"/tree/updir/x\"\n" },
	{ "macro bomb", WIRE_LANG_C,
	  "#define A(x) x x x x x x x x x x\n#define B(x) A(A(A(A(x))))\n"
	  "char *s = B(B(B(\"x\")));\n" },
	{ "include of itself", WIRE_LANG_C, "#include \"self.c\"\n" },
	{ "endless assembler", WIRE_LANG_ASM, ".macro m\nm\nm\n.endm\nm\n" },
	{ "a huge object", WIRE_LANG_ASM, ".skip 1 << 40, 1\n" },
	{ "a huge array", WIRE_LANG_C, "char x[1ul << 38] = { 1 };\n" },
	{ "deep nesting", WIRE_LANG_ASM,
	  ".rept 1 << 30\n.rept 1 << 30\nnop\n.endr\n.endr\n" },
};

/* Replace CANARY and similar words. */
static struct bytes fill(const struct scene *s, const char *text)
{
	struct buf b = { 0 };
	const char *at;

	for (; (at = strstr(text, "CANARY")); text = at + 6) {
		buf_add(&b, text, (size_t)(at - text));
		buf_add_str(&b, s->canary);
	}
	buf_add_str(&b, text);
	return buf_bytes(&b);
}

/*
 * Run a job, which must end within its deadline.  Neither the secret nor the
 * word that proves that a file exists must be in the result.
 */
static void compile(struct scene *s, struct node *n, uint32_t cell,
		    const struct source *src, const char *path)
{
	struct wire_flag flags[] = { { "-O", "2" } };
	struct order o = { .cell = cell,
			   .view = 2,
			   .cwd = "/tree",
			   .source = str_base(path),
			   .object = "x.o",
			   .lang = src->lang,
			   .flags = flags,
			   .n_flags = 1,
			   .deadline_ms = 8000 };
	const char *name = src->name;
	struct answer a;

	node_job(n, &o, 60000, &a);
	if (!scene_leaks(s, name, n, &a))
		scene_result(s, name,
			     a.done && !n->over &&
				     !answer_holds(n, &a, "SECRETSEEN") &&
				     !answer_holds(n, &a, "root:"),
			     "%s",
			     a.done  ? "it saw a file" :
			     n->over ? "the node is gone" :
				       "no answer");
	if (n->over) {
		fprintf(stderr, "the node ended: %s\n", n->bye ? n->bye : "");
		exit(2);
	}
	answer_release(&a);
}

#define N (sizeof(sources) / sizeof(*sources))

/* A leak by each kind of output is found. */
static void controls(struct scene *s)
{
	static const struct source planted[] = {
		{ "a secret in a diagnostic", WIRE_LANG_C, "#error SECRET\n" },
		{ "a secret in an object", WIRE_LANG_C,
		  "char s[] = \"SECRET\";\n" },
		{ "a secret in a list of files", WIRE_LANG_ASM,
		  ".incbin \"/tree/SECRET\"\n" },
		{ "that a file was seen", WIRE_LANG_C, "#error SECRETSEEN\n" },
		{ "what is in passwd", WIRE_LANG_C, "char s[] = \"root:\";\n" },
	};
	struct node *n = node_start(s->kfarmd);
	uint32_t cell = node_cell(n, &s->gcc, "/tree");
	struct file files[6];
	char *text[5];

	for (size_t i = 0; i < 5; i++) {
		char *path = xasprintf("/tree/p%zu.%c", i,
				       "cS"[planted[i].lang == WIRE_LANG_ASM]);
		const char *at = strstr(planted[i].text, "SECRET");

		text[i] = i > 2 ? xstrdup(planted[i].text) :
				  xasprintf("%.*s%s%s",
					    (int)(at - planted[i].text),
					    planted[i].text, s->secret, at + 6);
		files[i] = (struct file){ .path = path,
					  .content = bytes_str(text[i]) };
	}
	files[5] = (struct file){ .path = xasprintf("/tree/%s", s->secret) };
	node_view(n, cell, 2, WIRE_PART_SOURCES, files, 6);
	for (size_t i = 0; i < 5; i++) {
		scene_control(s);
		compile(s, n, cell, &planted[i], files[i].path);
		scene_control_end(s, planted[i].name);
		free(text[i]);
	}
	node_stop(n);
	for (size_t i = 0; i < 6; i++)
		free((char *)files[i].path);
}

void attack_sources(struct scene *s)
{
	struct node *n = node_start(s->kfarmd);
	uint32_t cell = node_cell(n, &s->gcc, "/tree");
	struct file files[N + 2];
	char *paths[N];

	controls(s);

	for (size_t i = 0; i < N; i++) {
		paths[i] = xasprintf("/tree/s%zu.%c", i,
				     "cSs"[sources[i].lang]);
		if (strcmp(sources[i].name, "include of itself") == 0) {
			free(paths[i]);
			paths[i] = xstrdup("/tree/self.c");
		}
		files[i] = (struct file){ .path = paths[i],
					  .content = fill(s, sources[i].text) };
	}
	files[N] = (struct file){ .path = "/tree/to-canary",
				  .kind = WIRE_INODE_SYMLINK,
				  .target = s->canary };
	files[N + 1] = (struct file){ .path = "/tree/updir",
				      .kind = WIRE_INODE_SYMLINK,
				      .target = "../../../../.." };
	node_view(n, cell, 2, WIRE_PART_SOURCES, files, N + 2);
	for (size_t i = 0; i < N; i++)
		compile(s, n, cell, &sources[i], paths[i]);
	for (size_t i = 0; i < N; i++) {
		free((void *)files[i].content.data);
		free(paths[i]);
	}
	node_stop(n);
}
