/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/badserver.c - badserver DIR ROOT: the server of badserver.h
 * as a program.  It uses the certificate in DIR and the files of ROOT, logs to
 * DIR/access.log, and writes "PORT PORT" (https, http) to DIR/ports.
 */
#include "badserver.h"

int main(int argc, char **argv)
{
	char log[4096], part[4096], ports[4096];
	FILE *f;

	if (argc != 3)
		return 2;
	snprintf(log, sizeof(log), "%s/access.log", argv[1]);
	snprintf(part, sizeof(part), "%s/ports.part", argv[1]);
	snprintf(ports, sizeof(ports), "%s/ports", argv[1]);
	f = badserver_open(argv[1], log, argv[2]) ? fopen(part, "w") : NULL;
	if (!f) {
		perror("badserver");
		return 1;
	}
	fprintf(f, "%d %d\n", bad.port[0], bad.port[1]);
	fclose(f);
	if (rename(part, ports)) {
		perror(ports);
		return 1;
	}
	badserver_serve();
}
