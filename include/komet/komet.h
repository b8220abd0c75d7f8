/*
 * All of libkomet in one header. Each of these can be included alone; each includes what it needs.
 */
#ifndef KOMET_KOMET_H
#define KOMET_KOMET_H

#include "komet/apdu.h"          /* frames */
#include "komet/api.h"           /* what the shared library gives away */
#include "komet/asdu.h"          /* what frames carry */
#include "komet/assert.h"        /* the assertion hook */
#include "komet/centre.h"        /* what a controlling station asks, and how it ended */
#include "komet/file.h"          /* what the ASDUs of file transfer carry */
#include "komet/file_transfer.h" /* files from one station to the other */
#include "komet/group.h"         /* the connections of one redundancy group, controlled side */
#include "komet/link.h"          /* one connection's transport rules */
#include "komet/reason.h"        /* why a connection ended */
#include "komet/station.h"       /* the application services of the controlled side */
#include "komet/time.h"          /* instants, durations, calendar time */
#include "komet/time_tag.h"      /* CP24Time2a, CP56Time2a */

#endif
