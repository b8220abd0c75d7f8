/*
 * judge_command: what has to become of a request for one point: read, command, parameter.
 */
#include <math.h>

#include "rig.h"

#include "komet/time_tag.h"

static void confirm(struct rig *rig, const struct request *request, bool positive)
{
    answers_mirror(rig, request, KOMET_COT_ACTIVATION_CON, !positive);
}

static void ask(struct rig *rig, const struct request *request, size_t point, enum command_is is,
                struct komet_station_event *want)
{
    bool parameter = request->asdu->type >= KOMET_P_ME_NA_1;
    bool activation = request->asdu->type == KOMET_P_AC_NA_1;
    if (command_open(rig, request, point, is) == NULL) {
        confirm(rig, request, false);
        return;
    }
    want->kind = activation  ? KOMET_STATION_PARAMETER_ACTIVATION
                 : parameter ? KOMET_STATION_PARAMETER
                             : KOMET_STATION_COMMAND;
    want->point = point;
    want->object = *request->object;
    want->activate = request->asdu->cause == KOMET_COT_ACTIVATION;
}

static bool is_too_old(const struct rig *rig, const struct request *request)
{
    const struct komet_time_tag *tag = &request->object->time;
    if (rig->settings.command_age_ms == 0 || request->asdu->type < KOMET_C_SC_TA_1) {
        return false;
    }
    if (tag->invalid || !komet_time_tag_plausible(tag)) {
        return true;
    }
    int64_t age = rig->utc.ms - komet_cp56_to_utc(tag, rig->utc).ms;
    return age > rig->settings.command_age_ms || -age > rig->settings.command_age_ms;
}

/* The number in the range of a point that is nearest to one outside; there is one. */
static void limit(const struct komet_point *point, bool upper, struct komet_object *object)
{
    double end = upper ? point->maximum : point->minimum;
    if (point->type == KOMET_C_SE_NC_1) {
        float real = (float)end;
        while (upper ? (double)real > end : (double)real < end) {
            real = nextafterf(real, upper ? -INFINITY : INFINITY);
        }
        object->value.real = real;
        return;
    }
    double whole = point->type == KOMET_C_SE_NA_1 ? end * 32768 : end;
    object->value.number = (int32_t)(upper ? floor(whole) : ceil(whole));
}

/* Whether a set point is allowed, perhaps after it was limited. */
static bool is_allowed_number(const struct rig *rig, const struct komet_point *point,
                              struct komet_object *object)
{
    bool set_point = point->type >= KOMET_C_SE_NA_1 && point->type <= KOMET_C_SE_NC_1;
    double number = komet_object_number(object);
    if (!set_point) {
        return true;
    }
    if (number != number) {
        return false;
    }
    if ((point->minimum == 0 && point->maximum == 0) ||
        (number >= point->minimum && number <= point->maximum)) {
        return true;
    }
    limit(point, number > point->maximum, object);
    return rig->settings.limit_set_points;
}

static void judge_select(struct rig *rig, const struct request *request, size_t point,
                         struct komet_station_event *want)
{
    if (rig->points[point].select == KOMET_SELECT_NEVER || command_at(rig, point) != NULL) {
        confirm(rig, request, false);
    } else if (request->asdu->test) {
        confirm(rig, request, true);
    } else {
        ask(rig, request, point, COMMAND_IS_SELECT_ASKED, want);
    }
}

static void judge_execute(struct rig *rig, const struct request *request, size_t point,
                          struct komet_station_event *want)
{
    struct open_command *open = command_at(rig, point);
    bool mine = open != NULL && open->is == COMMAND_IS_SELECTED && open->c == request->c &&
                open->oa == request->asdu->oa;
    bool same = mine && open->type == request->asdu->type && open->bits == request->object->value.bits &&
                open->qualifier == request->object->qualifier;
    if (mine && !request->asdu->test) {
        open->is = COMMAND_IS_FREE; /* used up, also by what was not selected */
    }
    if (open == NULL ? rig->points[point].select == KOMET_SELECT_REQUIRED : !same) {
        confirm(rig, request, false);
    } else if (request->asdu->test) {
        confirm(rig, request, true);
    } else {
        ask(rig, request, point, COMMAND_IS_ASKED, want);
    }
}

static void judge_deactivation(struct rig *rig, const struct request *request, size_t point)
{
    struct open_command *open = command_at(rig, point);
    bool mine = open != NULL && open->is == COMMAND_IS_SELECTED && open->c == request->c &&
                open->oa == request->asdu->oa;
    if (mine && !request->asdu->test) {
        open->is = COMMAND_IS_FREE;
    }
    answers_mirror(rig, request, KOMET_COT_DEACTIVATION_CON, !mine);
}

/* The request with another value: what a limit made of it. */
static void rewrite(const struct rig *rig, const struct request *request, const struct komet_object *object,
                    struct message *message)
{
    struct komet_asdu_writer writer;
    const struct komet_asdu *asdu = request->asdu;
    struct komet_asdu_header header = {
        .type = asdu->type, .cause = asdu->cause, .test = asdu->test, .oa = asdu->oa, .ca = asdu->ca};
    check(komet_asdu_begin(&writer, rig->settings.profile, &header, message->octets, sizeof message->octets));
    check(komet_asdu_add(&writer, object));
    message->size = (uint8_t)komet_asdu_end(&writer);
    check(message->size == asdu->size);
}

static void judge_command(struct rig *rig, const struct request *request, size_t point,
                          struct komet_station_event *want)
{
    struct komet_object object = *request->object;
    bool has_state = object.element == KOMET_ELEMENT_DOUBLE || object.element == KOMET_ELEMENT_REGULATING;
    if (is_too_old(rig, request)) {
        rig->counters.too_old++;
        if (rig->settings.too_old == KOMET_TOO_OLD_REFUSED) {
            confirm(rig, request, false);
        }
        return;
    }
    if ((has_state && object.value.number != 1 && object.value.number != 2) ||
        !is_allowed_number(rig, &rig->points[point], &object)) {
        confirm(rig, request, false);
        return;
    }
    struct message message;
    struct komet_asdu asdu = *request->asdu;
    struct request allowed = *request;
    if (object.value.bits != request->object->value.bits) {
        rewrite(rig, request, &object, &message);
        asdu.octets = message.octets;
    }
    allowed.asdu = &asdu;
    allowed.object = &object;
    if (object.select) {
        judge_select(rig, &allowed, point, want);
    } else {
        judge_execute(rig, &allowed, point, want);
    }
}

static size_t find_point(const struct rig *rig, const struct request *request)
{
    uint8_t type = request->asdu->type;
    bool any_value = type == KOMET_C_RD_NA_1 || type == KOMET_P_AC_NA_1;
    uint8_t bare = type >= KOMET_C_SC_TA_1 && type <= KOMET_C_BO_TA_1 ? (uint8_t)(type - 13) : type;
    for (size_t i = 0; i < rig->settings.point_count; i++) {
        const struct komet_point *point = &rig->points[i];
        bool command = point->type >= KOMET_C_SC_NA_1 && point->type <= KOMET_C_BO_NA_1;
        if (point->ca == request->asdu->ca && point->ioa == request->object->ioa) {
            return (any_value ? !command : point->type == bare) ? i : KOMET_POINT_NONE;
        }
    }
    return KOMET_POINT_NONE;
}

void judge_point(struct rig *rig, const struct request *request, struct komet_station_event *want)
{
    uint8_t type = request->asdu->type;
    size_t point = find_point(rig, request);
    if (point == KOMET_POINT_NONE && !(type == KOMET_P_AC_NA_1 && request->object->ioa == 0)) {
        answers_mirror(rig, request, KOMET_COT_UNKNOWN_IOA, true);
    } else if (type == KOMET_C_RD_NA_1) {
        struct short_answer *answer = answers_mirror(rig, request, KOMET_COT_REQUEST, false);
        answer->is = ANSWER_IS_READ;
        answer->point = point;
    } else if (type >= KOMET_P_ME_NA_1 && request->asdu->test) {
        confirm(rig, request, true);
    } else if (type >= KOMET_P_ME_NA_1) {
        ask(rig, request, point, COMMAND_IS_PARAMETER_ASKED, want);
    } else if (request->asdu->cause == KOMET_COT_DEACTIVATION) {
        judge_deactivation(rig, request, point);
    } else {
        judge_command(rig, request, point, want);
    }
}
