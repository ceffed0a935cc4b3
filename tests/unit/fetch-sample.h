/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fetch-sample.h - gpg's listing of a public key of
 * tests/toolchain/signatures.sh ("twice"): a primary key and three subkeys.
 */
#ifndef FETCH_SAMPLE_H
#define FETCH_SAMPLE_H

#define SAMPLE_KEY         "DE8A0EDEFC5BF1FC17F661E3AEF39914EDE7BE02"
#define SAMPLE_KEY_EXPIRES 1640908800
#define SAMPLE_SUBKEY \
	"0F52E57D024655C519B7EF8F6626B952E4339361" /* the second subkey */
#define SAMPLE_SUBKEY_EXPIRES 1608940800
#define SAMPLE_LAST \
	"6413103314CB73EC2C8D964A7C3C339F84B921E7" /* never expires */

static const char sample_listing[] =
	"pub:e:255:22:AEF39914EDE7BE02:1577836800:1640908800::-:::c::"
	":::ed25519:::0:\n"
	"fpr:::::::::DE8A0EDEFC5BF1FC17F661E3AEF39914EDE7BE02:\n"
	"uid:e::::1577836800::2554C8C6735D7D68435651957949A4A16A922A6"
	"6::twice <twice@kfarm.test>::::::::::0:\n"
	"sub:e:255:22:3B88A0F2828AE070:1578614400:1581206400:::::s:::"
	"::ed25519::\n"
	"fpr:::::::::469D1EDD80E03DD2999848013B88A0F2828AE070:\n"
	"sub:e:255:22:6626B952E4339361:1583020800:1608940800:::::s:::"
	"::ed25519::\n"
	"fpr:::::::::0F52E57D024655C519B7EF8F6626B952E4339361:\n"
	"sub:e:255:22:7C3C339F84B921E7:1612137600::::::s:::::ed25519::\n"
	"fpr:::::::::6413103314CB73EC2C8D964A7C3C339F84B921E7:\n";

#endif
