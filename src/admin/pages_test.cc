#include <gtest/gtest.h>

#include "admin/metrics.h"
#include "admin/pages.h"

namespace gatehouse::admin {
namespace {

TEST(StatusPage, EscapesWhatRolesSay) {
    const auto page = render_status_page({R"({"role":"front","helo":"<script>&\""})", "not json", "[1]"});
    EXPECT_NE(page.find("&lt;script&gt;&amp;&quot;"), std::string::npos);
    EXPECT_EQ(page.find("<script>"), std::string::npos);
}

TEST(StatusPage, SaysFirstWhetherMailIsTakenAndPutsListsIntoRows) {
    const auto good = render_status_page(
        {R"({"role":"supervisor","roles":[{"name":"front","pid":7},{"name":"sink","problem":"x<y"}]})",
         R"({"role":"front","ready":true})"});
    EXPECT_NE(good.find("Taking mail."), std::string::npos);
    EXPECT_NE(
        good.find(
            "<tr><th>name</th><th>pid</th><th>problem</th></tr><tr><td>front</td><td>7</td><td></td></tr>"
            "<tr><td>sink</td><td></td><td>x&lt;y</td></tr>"),
        std::string::npos)
        << good;
    EXPECT_NE(render_status_page({R"({"role":"front","ready":false})"}).find("Not taking mail"),
              std::string::npos);
}

TEST(Metrics, GroupsRowsOfOneName) {
    const auto rows = parse_metric_rows(
        {R"({"metric":"gatehouse_messages_total","help":"messages","counter":true,"labels":{"verdict":"clean"},"value":3})",
         R"({"metric":"gatehouse_messages_total","help":"messages","counter":true,"labels":{"verdict":"virus"},"value":1})",
         R"({"metric":"gatehouse_sessions","help":"open sessions","value":2})", "{}", "nonsense"});
    ASSERT_EQ(rows.size(), 3U);
    const auto text = render_metrics(rows);
    EXPECT_NE(text.find("gatehouse_messages_total{verdict=\"virus\"} 1"), std::string::npos) << text;
    EXPECT_NE(text.find("# TYPE gatehouse_sessions gauge"), std::string::npos);
    EXPECT_EQ(text.find("# TYPE gatehouse_messages_total counter"),
              text.rfind("# TYPE gatehouse_messages_total"));
}

}  // namespace
}  // namespace gatehouse::admin
