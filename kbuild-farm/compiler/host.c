/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/host.h"

#include "base/vec.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

static const struct host {
	uint16_t machine;
	bool is_64bit, big_endian;
	const char *name;
} hosts[] = {
	{ EM_X86_64, true, false, "x86_64" },
	{ EM_386, false, false, "i686" },
	{ EM_AARCH64, true, false, "aarch64" },
	{ EM_AARCH64, true, true, "aarch64_be" },
	{ EM_ARM, false, false, "arm" },
	{ EM_RISCV, true, false, "riscv64" },
	{ EM_RISCV, false, false, "riscv32" },
	{ EM_PPC64, true, false, "ppc64le" },
	{ EM_PPC64, true, true, "ppc64" },
	{ EM_PPC, false, true, "ppc" },
	{ EM_S390, true, true, "s390x" },
	{ EM_LOONGARCH, true, false, "loongarch64" },
	{ EM_SPARCV9, true, true, "sparc64" },
};

const char *compiler_host_from_elf(const struct elf_program *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		const struct host *h = &hosts[i];

		if (h->machine == e->file.machine &&
		    h->is_64bit == e->file.is_64bit &&
		    h->big_endian == e->file.big_endian)
			return h->name;
	}
	return NULL;
}

bool compiler_host_can_run(const char *host, const char *machine)
{
	static const char *const pairs[][2] = {
		{ "i686", "i386" },   { "i686", "i486" },  { "i686", "i586" },
		{ "i686", "x86_64" }, { "arm", "armv7l" }, { "arm", "armv8l" },
	};

	if (!strcmp(host, machine))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!strcmp(host, pairs[i][0]) && !strcmp(machine, pairs[i][1]))
			return true;
	}
	return false;
}

const char *compiler_host_release_name(const char *machine)
{
	static const char *const names[][2] = {
		{ "aarch64", "arm64" }, { "armv6l", "arm" },
		{ "armv7l", "arm" },    { "armv8l", "arm" },
		{ "i386", "i686" },     { "i486", "i686" },
		{ "i586", "i686" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(machine, names[i][0]))
			return names[i][1];
	}
	return machine;
}

void compiler_host_list_release_names(struct strv *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		strv_add(out, compiler_host_release_name(hosts[i].name));
}

bool compiler_host_can_execute(const struct elf_program *e, const char *machine)
{
	const char *host = compiler_host_from_elf(e);

	if (!host || !compiler_host_can_run(host, machine))
		return false;
	return !e->interpreter || !strcmp(host, machine) ||
	       !strcmp(host, compiler_host_release_name(machine)) ||
	       !access(e->interpreter, F_OK);
}
