#!/bin/sh
# OGC's suite for SensorThings stores numbers as results and reads one of them back as a text, which its own org.json has
# refused since the suite's release 1.5 took a new one. No server that answers with the number it was given passes.
#
# Field: whoever shows conformance to SensorThings' filter class.
# Versions: org.opengis.cite:ets-sta10:1.5 with the org.json 20240303 that it depends on, and with 20090211, which it had.
# Seen: its test checkQueriesPriorityOrdering, given {"result": 6} for the result 6 that it stored, fails with
# 'JSONObject["result"] is not a string'; with the old org.json the same answer passes.
# What we do: our judge runs the suite with org.json 20090211 (tests/tools/ogc_suite.py). Results stay numbers.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
jars() {
    cat > pom.xml <<XML
<project><modelVersion>4.0.0</modelVersion><groupId>f</groupId><artifactId>f</artifactId><version>1</version>
<packaging>pom</packaging><dependencies>
<dependency><groupId>org.opengis.cite</groupId><artifactId>ets-sta10</artifactId><version>1.5</version></dependency>
$2</dependencies></project>
XML
    mvn -q -B dependency:copy-dependencies -DoutputDirectory="$1" >/dev/null
}
jars own ""
jars older "<dependency><groupId>org.json</groupId><artifactId>json</artifactId><version>20090211</version></dependency>"
cat > One.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import org.opengis.cite.sta10.filteringExtension.Capability3Tests;

class One {
    public static void main(String[] arguments) throws Exception {
        byte[] answer = "{\"@iot.count\": 6, \"value\": [{\"result\": 6}]}".getBytes();
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
        Capability3Tests tests = new Capability3Tests();
        tests.rootUri = "http://127.0.0.1:" + server.getAddress().getPort() + "/v1.1";
        String said = "passed";
        try {
            tests.checkQueriesPriorityOrdering();
        } catch (AssertionError error) {
            said = error.getMessage().replace('\n', ' ');
        }
        System.out.println(said);
        server.stop(0);
    }
}
JAVA
for kind in own older; do
    java -cp "$kind/*" One.java 2>/dev/null > "$kind.txt"
    echo "$(ls $kind | grep '^json-2'): $(cut -c1-120 "$kind.txt")"
done
grep -q 'is not a string' own.txt || { echo "it passes with its own org.json now: say so here"; exit 1; }
grep -qx passed older.txt || { echo "it fails with the old org.json too: say so here"; exit 1; }
