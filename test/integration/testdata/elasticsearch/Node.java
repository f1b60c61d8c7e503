import org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner;

/** Runs one Elasticsearch node until it is killed, in a cluster of its own: java Node.java DIRECTORY PORT */
public class Node {
    public static void main(String[] args) throws InterruptedException {
        int port = Integer.parseInt(args[1]);
        ElasticsearchClusterRunner runner = new ElasticsearchClusterRunner();
        runner.setMaxHttpPort(65535);
        // The runner counts its nodes from 1.
        runner.build(ElasticsearchClusterRunner.newConfigs().basePath(args[0]).numOfNode(1).clusterName("journalpump-" + port).baseHttpPort(port - 1));
        Thread.currentThread().join();
    }
}
